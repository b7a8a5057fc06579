// The layout of native/record.h; record.test.ts compares the two.

export const KIND = {
  unknown: 0,
  open: 1,
  look: 2,
  change: 3,
  pair: 4,
  exec: 5,
  list: 6,
  connect: 7,
  bind: 8,
  listen: 9,
  accept: 10,
  send: 11,
  receive: 12,
  fd: 13,
  socket: 14,
  ipc: 15,
  uring: 16,
  socketcall: 17,
  forbidden: 18,
  harmless: 19,
  fork: 32,
  executed: 33,
  exit: 34,
  dns: 35,
} as const;

export const FLAG = {
  cut: 1,
  fault: 2,
  compat: 4,
  created: 8,
  uring: 16,
  chroot: 32,
  null: 64,
  pseudo: 128,
  in_root: 256,
} as const;

/** Byte offsets in the head. */
export const AT = {
  len: 0,
  kind: 4,
  nr: 6,
  tgid: 8,
  tid: 12,
  ret: 16,
  flags: 20,
  extra: 24,
  mountNs: 28,
  session: 32,
  mode: 36,
  dev: 40,
  mount: 44,
  ino: 48,
  baseDev: 56,
  baseMount: 60,
  baseIno: 64,
  rootMount: 72,
  stringLen: 76,
  secondLen: 78,
  baseLen: 80,
  pathLen: 82,
  base2Len: 84,
  rootLen: 86,
} as const;

export const HEAD_BYTES = 88;
export const OBJECT_BYTES = 16;
/** Head and DATA_SIZE of native/state.h: nothing longer can be written. */
export const MAX_RECORD_BYTES = HEAD_BYTES + 6 * 4096 + 64;

/** Which part of the tracer's own life a record belongs to. */
export const SESSION = { canary: 1, run: 2, end: 3 } as const;
