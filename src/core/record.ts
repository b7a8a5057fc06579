// What Foregone remembers: an Action ran, this is what it observed, this is what came out. Formats: docs/format.md.
import type { Json } from "./canonical.ts";
import type { Digest } from "./digest.ts";
import type { Gap } from "./gap.ts";
import type { InputPath } from "./input-path.ts";
import type { Observation } from "./observation.ts";
import type { EpochMs } from "../ports.ts";

/**
 * What was asked to run; the digest of its canonical JSON is the weak fingerprint. In here if each value deserves its
 * own records; an Observation if a change should be named in the miss.
 */
export interface Action {
  readonly argv: readonly string[];
  readonly cwd: InputPath;
  /** Policy, and the keyed digest of every variable that is not volatile. */
  readonly env: { readonly policy: "hash" | "strict"; readonly values: Readonly<Record<string, string>> };
  /** OS, architecture, kernel, uid, umask, locale, cores, ... as strings. */
  readonly platform: Readonly<Record<string, string>>;
  /** Record format, tool major, back end, opt-outs, outputs, user salt, job key, preset. */
  readonly salt: Readonly<Record<string, Json>>;
}

/** In first-read order. */
export interface Trace {
  readonly observations: readonly Observation[];
  readonly gaps: readonly Gap[];
}

export interface OutputFile {
  readonly path: InputPath;
  readonly type: "file" | "symlink" | "dir" | "deleted";
  /** Nothing was there before the run: while it is there unchanged, deciding takes it as not yet made. */
  readonly created: boolean;
  /** False: only known, so that deciding takes it as not yet made; its bytes are not stored (caches outside the workspace). */
  readonly restored: boolean;
  /** Permission bits, for files. */
  readonly mode: number;
  /** SHA-256 of the file's bytes or of the symlink's target; absent for folders and deletions. */
  readonly content?: Digest;
  readonly sizeBytes: number;
}

export interface ActionResult {
  readonly exitCode: number;
  /** Interleaved chunks of stdout and stderr in the order they came: see docs/format.md, "output log". */
  readonly output: Digest;
  readonly outputs: readonly OutputFile[];
  readonly durationMs: number;
}

export interface Provenance {
  readonly recordedAt: EpochMs;
  readonly tool: string;
  /** Which observer, and what it saw and lost. */
  readonly seal: Readonly<Record<string, Json>>;
  readonly repository?: string;
  readonly workflow?: string;
  readonly job?: string;
  readonly runId?: string;
  readonly runAttempt?: number;
  /** GitHub's number of the job's check run: finds its verdict, which no name does safely. */
  readonly checkRun?: string;
  readonly commit?: string;
  /** The git tree that was tested, only if the working tree was clean. */
  readonly tree?: string;
  readonly event?: string;
  readonly ref?: string;
}

export interface ActionRecord {
  readonly version: 1;
  /** Weak fingerprint. */
  readonly weak: Digest;
  readonly action: Action;
  readonly trace: Trace;
  readonly result: ActionResult;
  readonly provenance: Provenance;
  /** Opt-outs in force when it was made. */
  readonly optOuts: readonly string[];
}
