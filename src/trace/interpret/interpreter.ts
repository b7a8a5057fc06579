// Turns the events of a back end into what the run asked of the world. Events are only collected while the command runs;
// paths are resolved at the end, when the world stands still and the mount tables are known (docs/decisions/0025).
import type { EntryType, Files } from "../../ports.ts";
import type { Seal, TraceEvent } from "../event.ts";
import type { Interpreted } from "./interpreted.ts";

export interface InterpreterOptions {
  readonly files: Files;
  /** Text of /proc/self/mountinfo of the caller, taken before the run. */
  readonly mountinfo: string;
  /** Inode number of the caller's mount namespace (stat of /proc/self/ns/mnt). */
  readonly mountNs: number;
  /** When the run started, to judge ctimes. */
  readonly startNs: bigint;
  /** Absolute folders with names that differ in each run: what the run made there is not looked up as absent. */
  readonly tempRoots: readonly string[];
  /** What was at a path before the run, where the caller knows (git tree, list of untracked files); for changed paths only. */
  before?(path: string): EntryType | "absent" | undefined;
  /** Sockets that are our own. */
  readonly ownSockets?: readonly string[];
}

/** The contract of `Interpreter`. */
export interface Interpreting {
  /** Cheap: interns and drops what was seen before. */
  onEvent(event: TraceEvent): void;
  /** Once. @param seal `undefined` if the observer died: then one of the gaps is `events-lost` */
  finish(seal: Seal | undefined): Interpreted;
}

export type MakeInterpreter = (options: InterpreterOptions) => Interpreting;
