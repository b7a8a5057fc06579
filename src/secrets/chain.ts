// Where the audit chain stands: the key for the next line, and what the lines so far add up to. Two slots in one file are
// written in turn, so that a torn write leaves the other; what a lost slot knew is made again from the log, because keys only
// go forward. Earlier keys are overwritten: who takes this file can forge what comes, not what was.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { canonicalJson } from "../core/canonical.ts";
import { fromBase64, toBase64 } from "./bytes.ts";
import { type Disk, readPrivate, writeNew } from "./disk.ts";
import type { MerkleRange } from "./merkle.ts";

/** A store file as the log names it. */
export interface StoreMark {
  readonly generation: number;
  /** 64 hex digits: SHA-256 of the file. */
  readonly sha256: string;
}

export interface ChainState {
  /** Number of the next line, and the key that will authenticate it. */
  readonly seq: number;
  readonly key: Buffer;
  /** SHA-256 of the last line, hex; 64 zeros before the first. */
  readonly prev: string;
  readonly sizeBytes: number;
  /** Unix seconds of the last line. */
  readonly lastTime: number;
  readonly tree: MerkleRange;
  /** The last store that was written to its end, and the one whose writing was announced since. */
  readonly done: StoreMark;
  readonly intent?: StoreMark;
  /** Lines covered by the last checkpoint, and when it was made. */
  readonly checkpoint: { readonly size: number; readonly time: number };
}

export const NO_STORE: StoreMark = { generation: 0, sha256: "" };
const SLOT_BYTES = 2048;
/** Slots between two fsyncs of the file: it may lag after a power cut, since the log alone is what counts. */
const SYNC_EVERY = 64;

/** K_{n+1}; K_n must then be forgotten. */
export function evolve(key: Uint8Array): Buffer {
  return createHash("sha256").update("evolve").update(key).digest();
}

export function chainPath(folder: string): string {
  return join(folder, ".chain");
}

export function createChain(disk: Disk, folder: string, state: ChainState): void {
  const slot = encodeSlot(0, state);
  writeNew(disk, chainPath(folder), Buffer.concat([slot, slot]));
}

/** @returns the newer intact slot, and its place in the turn; undefined if the file is missing or neither is intact */
export function readChain(folder: string): { readonly turn: number; readonly state: ChainState } | undefined {
  const bytes = readPrivate(chainPath(folder), 2 * SLOT_BYTES);
  if (bytes === undefined) return undefined;
  const slots = [decodeSlot(bytes.subarray(0, SLOT_BYTES)), decodeSlot(bytes.subarray(SLOT_BYTES))];
  return slots
    .filter((slot) => slot !== undefined)
    .toSorted((a, b) => b.turn - a.turn)
    .at(0);
}

export function writeChain(disk: Disk, folder: string, turn: number, state: ChainState): void {
  const fd = disk.open(chainPath(folder), "write");
  try {
    disk.write(fd, encodeSlot(turn, state), (turn % 2) * SLOT_BYTES);
    if (turn % SYNC_EVERY === 0) disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}

function encodeSlot(turn: number, state: ChainState): Buffer {
  const { key, tree, intent, ...plain } = state;
  const text = canonicalJson({
    ...plain,
    done: { ...plain.done },
    checkpoint: { ...plain.checkpoint },
    ...(intent !== undefined && { intent: { ...intent } }),
    turn,
    key: toBase64(key),
    roots: tree.roots.map(toBase64),
  });
  const slot = Buffer.alloc(SLOT_BYTES, " ");
  if (slot.write(`${digest(text)} ${text}\n`) < text.length + 18) throw new TypeError("chain slot is full");
  return slot;
}

function decodeSlot(slot: Buffer): { readonly turn: number; readonly state: ChainState } | undefined {
  const [line = ""] = slot.toString("utf8").split("\n", 1);
  const text = line.slice(17);
  if (line.slice(0, 16) !== digest(text)) return undefined;
  const { turn, key, roots, ...plain } = JSON.parse(text) as Omit<ChainState, "key" | "tree"> & {
    readonly turn: number;
    readonly key: string;
    readonly roots: readonly string[];
  };
  const bytes = [key, ...roots].map((part) => fromBase64(part) ?? Buffer.alloc(0));
  const [first = Buffer.alloc(0), ...rest] = bytes;
  return { turn, state: { ...plain, key: first, tree: { size: plain.seq, roots: rest } } };
}

/** Finds a torn slot. No protection against a forger, who could compute it: the log's own MACs are that. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
