// What one run asked of the world, as absolute paths, before anybody has answered. Every look is about the state of the
// world BEFORE the run: what the run itself made, and then looked at, is no look. Answering is the caller's.
import type { Gap } from "../../core/gap.ts";
import type { EntryType } from "../../ports.ts";

/**
 * Questions about paths, with the meaning they have in core/observation.ts. `file` says more than `stat`, `stat` more than
 * `probe`: of these three only the strongest is reported for one path. `directory` says more than `probe` and `stat` too.
 */
export type LookKind = "file" | "probe" | "stat" | "absent" | "directory" | "symlink";

export interface Look {
  readonly kind: LookKind;
  /** Absolute and normalised; no component but the last is a symlink (each hop is a `symlink` look of its own). */
  readonly path: string;
  /** Who looked first: "node (vitest)". */
  readonly by: string;
  /** Grows in the order of first looks. */
  readonly seq: number;
}

/** What the run did to one path. The final state is in the world: lstat it. */
export interface Change {
  readonly path: string;
  /** What was there before the run. `unknown`: it was overwritten or removed by a back end's event that does not tell. */
  readonly before: EntryType | "absent" | "unknown";
  /** Its content from before the run was read before the run changed it: then it is an input that was modified. */
  readonly readBefore: boolean;
  /** Opened for writing, truncated, created. */
  readonly written: boolean;
  /** Unlinked, removed, or renamed away. Something else may be there again by now. */
  readonly removed: boolean;
  /** Put here by rename, link or symlink, mkdir, mknod. */
  readonly placed: boolean;
  /** chmod, chown, setxattr. (Times alone are never a change.) */
  readonly mode: boolean;
  /** A hard link was made of it: its ctime moved, its content did not. */
  readonly linked: boolean;
}

/** A question that a `git` process put to a repository from before the run, or another program that read its `.git`. */
export interface GitCall {
  /**
   * - clean-check: whether the working tree equals HEAD (`status`, `diff` without revision, ...)
   * - ls-files: the tracked names
   * - config: remote.*.url, core.*, user.*
   * - head-dependent: its answer changes with commits, refs, tags
   */
  readonly use: "clean-check" | "ls-files" | "head-dependent" | "config";
  /**
   * Subcommand and arguments, to narrow down what the answer depends on; never to be run. `undefined`: nobody knows, and
   * the answer may depend on HEAD and all refs.
   */
  readonly ask: readonly string[] | undefined;
  /** The folder that holds `.git`; also where git is taken to have run. */
  readonly cwd: string;
  readonly repository: string;
  readonly by: string;
}

/** A connection to another machine. Each is an `untraced-network` gap unless policy or a pinned installer covers it. */
export interface Connection {
  /** Names that DNS answers gave for the address in this process tree; a rule must match all. Else the address itself. */
  readonly hosts: readonly string[];
  readonly address: string;
  readonly port: number;
  readonly by: string;
  /** The process itself, not a child of it: for pinned installers (docs/soundness.md 2.9). */
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly installer: PinnedInstaller | undefined;
}

/** An installer that only accepts what a lock file pins; memo checks that the lock file is tracked and unmodified. */
export interface PinnedInstaller {
  readonly name: string;
  /** Any one of them, in the process's cwd or above. */
  readonly lockFiles: readonly string[];
}

export interface ProcessImage {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly by: string;
}

export interface Interpreted {
  /** In first-look order; one per (kind, path), see LookKind. */
  readonly looks: readonly Look[];
  /** By path: candidates for outputs, and what must be taken back to see a directory as it was before. */
  readonly changes: ReadonlyMap<string, Change>;
  readonly gitCalls: readonly GitCall[];
  readonly connections: readonly Connection[];
  /** Distinct. Those of `connections` are not among them: `networkGap` makes them. */
  readonly gaps: readonly Gap[];
  /** Each program that was executed, in order; at most 10,000. */
  readonly processes: readonly ProcessImage[];
}

/** The gap of a connection that nothing covers. */
export function networkGap(connection: Connection): Gap {
  return {
    kind: "untraced-network",
    host: connection.hosts[0] ?? connection.address,
    port: connection.port,
  };
}
