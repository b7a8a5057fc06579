// What job mode's first step leaves for its last: a file in a folder that only this user may enter, and its digest in the runner's state.
// Not in the state itself: that becomes an environment variable, and one above 128 KiB keeps the last step from starting.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import type { Gap } from "../../core/gap.ts";
import type { Action } from "../../core/record.ts";
import type { StartFacts } from "../../memo/start-state.ts";
import { nodeHasher } from "../../node/ports.ts";
import type { Look } from "../../trace/interpret/interpreted.ts";
import type { JobTrace } from "../../trace/bpf/job.ts";
import type { Host } from "../host.ts";

export interface JobState {
  readonly action: Action;
  readonly weak: Digest;
  readonly label: Digest;
  readonly volatile: readonly string[];
  readonly definition: string;
  readonly looks: readonly Omit<Look, "seq">[];
  /** Accepted by name; they are in the record all the same. */
  readonly gaps: readonly Gap[];
  readonly start: StartFacts | undefined;
  /** Nanoseconds since the epoch, as text. */
  readonly startNs: string;
  readonly priorMade: readonly string[];
  readonly mount: { readonly mountinfo: string; readonly mountNs: number };
  readonly trace: JobTrace;
  /** The process whose children are the steps. */
  readonly root: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** This run stands for a skip: its result is compared. */
  readonly auditOf?: Digest;
}

/** A UNIX socket's path has 108 bytes at most. */
const MAX_FOLDER_BYTES = 80;

export function newJobFolder(temp: string): string {
  const parent = Buffer.byteLength(temp) <= MAX_FOLDER_BYTES ? temp : tmpdir();
  return mkdtempSync(join(parent, "foregone-job-"));
}

export function saveJobState(host: Host, folder: string, state: JobState): void {
  const text = JSON.stringify(state);
  const file = join(folder, "job.json");
  writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  host.saveState("mode", "job");
  host.saveState("job", file);
  host.saveState("digest", nodeHasher.sha256(text));
}

/** @returns undefined if there is none, or it is not what was saved */
export function loadJobState(host: Host): { readonly state: JobState; readonly folder: string } | undefined {
  const file = host.state("job");
  if (file === "") return undefined;
  try {
    const text = readFileSync(file, "utf8");
    if (nodeHasher.sha256(text) !== host.state("digest")) return undefined;
    return { state: JSON.parse(text) as JobState, folder: dirname(file) };
  } catch {
    return undefined;
  }
}

export function dropJobFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
