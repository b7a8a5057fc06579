// What the main thread, the supervisor and the spawner say to each other. All three are in one process: the main thread
// must stay free to read output and judge events, the supervisor must answer within microseconds, and the filter stays
// for ever on the thread that installs it, so that one does nothing else (docs/decisions/0020).
import type { Seal, TraceEvent } from "../event.ts";
import type { ObservedExit } from "../observer.ts";

/** Slots of the shared Int32Array. */
export const SLOT = {
  /** 0: not yet; n > 0: descriptor n - 1 is the listener; n < 0: there will be none. */
  listener: 0,
  /** 1: the supervisor answers. The filter may only be installed after that. -1: it died. */
  supervising: 1,
  /** 1: the command has ended. */
  ended: 2,
  /** Notifications taken; with `busy`, how the watchdog sees a supervisor that is stuck. */
  taken: 3,
  /** 1: between taking a notification and answering it. */
  busy: 4,
  /** 1: privileges are frozen (NO_NEW_PRIVS): a setuid program inside does not work as it would. */
  frozen: 5,
  /** 1: the rescuer was called, and may have answered what nobody looked at. */
  rescued: 6,
  /** Low and high half of the id of the notification at hand: somebody else can answer it. */
  idLow: 7,
  idHigh: 8,
} as const;
export const SLOT_COUNT = 9;

/** For tests: what goes wrong while the supervisor looks at its `at`th notification. */
export interface Fault {
  readonly at: number;
  readonly how: "throw" | "end the thread" | "wait for ever";
}

export type WorkerStart =
  | {
      readonly role: "spawner";
      readonly slots: Int32Array;
      readonly argv: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly role: "supervisor";
      readonly slots: Int32Array;
      /** Absolute paths, latin1, of files that the command gets open from us. */
      readonly inherited: readonly string[];
      readonly fault?: Fault;
    };

export type FromSpawner =
  /** Said before anything runs under the filter. `errno`: there is no filter, the command runs unobserved. */
  | { readonly kind: "filter"; readonly listener: number | undefined; readonly errno: number }
  | { readonly kind: "spawned"; readonly pid: number }
  | { readonly kind: "output"; readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly kind: "ended"; readonly exit: ObservedExit; readonly durationMs: number }
  /** Nobody can write to the command's outputs any more. */
  | { readonly kind: "drained" };

export type FromSupervisor =
  | { readonly kind: "events"; readonly events: readonly TraceEvent[] }
  /** A setuid program was run: the path, as latin1. */
  | { readonly kind: "setuid"; readonly path: string }
  | { readonly kind: "seal"; readonly seal: Seal };

/** <linux/seccomp.h>. Numbers, not BigInts: all are below 2^53. */
export const IOCTL = {
  receive: 0xc050_2100,
  send: 0xc018_2101,
  /** SET_FLAGS, Linux 6.6. */
  setFlags: 0x4008_2104,
} as const;
export const SYNC_WAKE_UP = 1;
export const FLAG_CONTINUE = 1;
