// Runs the command observed, passes its bytes on as they come, and records it if it passed. Nothing in here may change the
// command's exit code or output: whatever goes wrong with us is a reason not to record.
import type { Digest } from "../core/digest.ts";
import { sha256Of } from "../core/digest.ts";
import { type Gap, gapDetail } from "../core/gap.ts";
import { OutputLog } from "../core/output-log.ts";
import type { ActionRecord } from "../core/record.ts";
import type { EpochMs, Stat } from "../ports.ts";
import type { Interpreting, MakeInterpreter } from "../trace/interpret/interpreter.ts";
import type { Interpreted } from "../trace/interpret/interpreted.ts";
import type { ObservedExit, Observer } from "../trace/observer.ts";
import type { PlannedAction } from "./action.ts";
import type { Captured } from "./capture.ts";
import { type CommandParts, type Decided, worldSource } from "./memo.ts";
import { fingerprintsOf } from "./fingerprints.ts";
import { type MadeRecord, recordRun, type RunFacts } from "./record-run.ts";
import { OutputSearch, type SecretSearch } from "./secret-search.ts";
import { startState, type StartState, startWithoutGit } from "./start-state.ts";

/** More output than this is passed on but not kept: chosen so that a replay stays instant. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;

export interface ExecuteParts {
  readonly observer: Observer;
  readonly makeInterpreter: MakeInterpreter;
  readonly mount: { readonly mountinfo: string; readonly mountNs: number };
  readonly provenance: RunFacts["provenance"];
  readonly match: RunFacts["match"];
  /** `undefined`: the record is beyond the limits of its format. */
  readonly encode: (record: ActionRecord) => Uint8Array | undefined;
  /** @param takenAt before the first of `stats` was taken */
  readonly saveWitness: (id: Digest, stats: readonly (Stat | undefined)[], takenAt: EpochMs) => Promise<void>;
  /** Begins a search for the credentials that the command was given; undefined: it was given none. */
  readonly searchSecrets?: (() => SecretSearch) | undefined;
  /** What the caller itself laid out for the command; absent: nothing. */
  readonly own?: OwnFolder;
  /** Looks at all that would be kept. @returns why none of it may be */
  refuse?(made: MadeRecord, output: Uint8Array): string | undefined;
  onOutput(stream: "stdout" | "stderr", bytes: Uint8Array): void;
  onStarted?(pid: number): void;
  /** One line for the user, from the observer. */
  onNotice?(text: string): void;
}

/** A folder of the caller's for this run: what it puts there is part of the Action, so nothing in it is an input. */
export interface OwnFolder {
  /** Absolute. */
  readonly path: string;
  /** What the command left in it, as results. */
  captured(): Captured;
}

export type Recording =
  | { readonly kind: "recorded"; readonly id: Digest; readonly made: MadeRecord }
  | { readonly kind: "not-recorded"; readonly why: string; readonly gap?: Gap };

export interface Executed {
  readonly exit: ObservedExit;
  readonly durationMs: number;
  readonly recording: Recording;
  /** The output log: what was kept of stdout and stderr. */
  readonly output: Uint8Array;
}

export async function executeCommand(parts: CommandParts, decided: Decided, how: ExecuteParts): Promise<Executed> {
  const { clock, hasher, runner } = parts.effects;
  const { workspace, planned } = decided;
  const { workspace: root } = workspace.roots;
  const priorMade = madeBefore(parts, decided);
  const startNs = BigInt(clock.now()) * 1_000_000n;
  const start =
    workspace.gitDir === undefined ? startWithoutGit(startNs) : startState(root, parts.env, runner, startNs);
  const interpreter = interpreterFor(how, parts, root, start);
  const log = new OutputLog();
  const secrets = how.searchSecrets && new OutputSearch(how.searchSecrets);
  let dropped = 0;
  const observed = await how.observer.run({
    argv: parts.argv,
    cwd: parts.cwd,
    env: planned.environment.passed,
    onOutput(stream, bytes) {
      how.onOutput(stream, bytes);
      secrets?.output(stream, bytes);
      if (log.sizeBytes + bytes.length <= MAX_LOG_BYTES) log.add(stream, bytes);
      else dropped += bytes.length;
    },
    onEvent: (event) => interpreter.onEvent(event),
    onStarted: (pid) => how.onStarted?.(pid),
    onNotice: (text) => how.onNotice?.(text),
  });
  const { exit, durationMs, seal } = observed;
  const output = log.done();
  const executed = (recording: Recording): Executed => ({ exit, durationMs, recording, output });
  if (exit.kind !== "exited" || exit.code !== 0) return executed({ kind: "not-recorded", why: exitText(exit) });
  if (parts.options.mode === "off") return executed({ kind: "not-recorded", why: "mode off" });
  try {
    const gaps: Gap[] = [];
    if (dropped > 0) gaps.push({ kind: "too-large", what: "stdout and stderr", sizeBytes: MAX_LOG_BYTES + dropped });
    if (how.observer.name === "none") {
      gaps.push({ kind: "no-observer", why: "see `foregone doctor`" });
      // What it made is unknown, so a replay could not put it back.
      if (parts.options.outputs !== "none") gaps.push({ kind: "side-effect", what: "unseen outputs" });
    }
    const takenAt = clock.now();
    const made = recordRun(parts, decided, {
      interpreted: withoutOwn(interpreter.finish(seal), how.own?.path),
      ...(how.own !== undefined && { captured: how.own.captured() }),
      seal,
      start,
      priorMade,
      durationMs,
      output: sha256Of(hasher, output),
      gaps,
      provenance: how.provenance,
      match: how.match,
    });
    const leak = secrets?.judge(made);
    if (leak !== undefined)
      return executed({ kind: "not-recorded", why: `a credential in ${gapDetail(leak)}`, gap: leak });
    const refused = how.refuse?.(made, output);
    if (refused !== undefined) return executed({ kind: "not-recorded", why: refused });
    const id = await saveRecord(parts, decided.planned, how, { ...made, takenAt }, output);
    return executed({ kind: "recorded", id, made });
  } catch (error) {
    return executed({ kind: "not-recorded", why: error instanceof Error ? error.message : String(error) });
  }
}

/** Blobs first, then the record (invariant 4). */
export async function saveRecord(
  parts: Pick<CommandParts, "store" | "effects">,
  { weak, label }: Pick<PlannedAction, "weak" | "label">,
  how: Pick<ExecuteParts, "encode" | "saveWitness">,
  made: MadeRecord & { readonly takenAt: EpochMs },
  output: Uint8Array,
): Promise<Digest> {
  const { store, effects } = parts;
  await store.blobs.put(output);
  for (const content of made.contents.values()) await store.blobs.put(content);
  const bytes = how.encode(made.record);
  if (bytes === undefined) throw new Error("the record is beyond the limits of its format");
  const id = await store.blobs.put(bytes);
  const entry = {
    ...fingerprintsOf(made.record, effects.hasher),
    record: id,
    recordedAt: made.record.provenance.recordedAt satisfies EpochMs,
  };
  await how.saveWitness(id, made.stats, made.takenAt);
  await store.records.append(weak, entry);
  await store.records.append(label, entry);
  return id;
}

function withoutOwn(seen: Interpreted, own: string | undefined): Interpreted {
  if (own === undefined) return seen;
  const isOwn = (path: string): boolean => path === own || path.startsWith(`${own}/`);
  return {
    ...seen,
    looks: seen.looks.filter(({ path }) => !isOwn(path)),
    changes: new Map([...seen.changes].filter(([path]) => !isOwn(path))),
  };
}

/** What earlier runs of this Action made and left as it was; the run may change it, so it is looked at before. */
export function madeBefore(parts: CommandParts, decided: Decided): ReadonlySet<string> {
  const { compared } = decided.verdict;
  if (compared !== undefined) return compared.made.present();
  const { relative, workspace } = decided;
  return relative === undefined ? new Set() : worldSource(parts, workspace).with([relative.record]).made.present();
}

export function interpreterFor(
  how: Pick<ExecuteParts, "makeInterpreter" | "mount">,
  parts: Pick<CommandParts, "effects" | "env">,
  root: string,
  start: StartState,
): Interpreting {
  return how.makeInterpreter({
    before: (path) => (path.startsWith(`${root}/`) ? start.before(path.slice(root.length + 1)) : undefined),
    files: parts.effects.files,
    ...how.mount,
    startNs: start.startNs,
    tempRoots: ["/tmp", "/var/tmp", "/dev/shm", parts.env["TMPDIR"], parts.env["RUNNER_TEMP"]].filter(
      // A workspace below /tmp is no temporary folder: what it lacks matters.
      (folder): folder is string => folder?.startsWith("/") === true && !`${root}/`.startsWith(`${folder}/`),
    ),
  });
}

export function exitText(exit: ObservedExit): string {
  switch (exit.kind) {
    case "exited":
      return `exit code ${exit.code}`;
    case "signalled":
      return `ended by ${exit.signal}`;
    case "not-started":
      return `not started (${exit.errno})`;
    default:
      return exit satisfies never;
  }
}

/** As shells do: 128+n for a signal, 127 not found, 126 not executable. */
export function exitCodeOf(exit: ObservedExit): number {
  switch (exit.kind) {
    case "exited":
      return exit.code;
    case "signalled":
      return 128 + exit.number;
    case "not-started":
      return exit.errno === "ENOENT" ? 127 : 126;
    default:
      return exit satisfies never;
  }
}
