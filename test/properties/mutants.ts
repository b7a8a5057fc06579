// Deliberately broken observers and deciders: each is blind to one thing that the property must notice.
import type { QuestionKind } from "../../src/core/observation.ts";
import type { ActionRecord } from "../../src/core/record.ts";
import { type Files, type Stat, Unreadable } from "../../src/ports.ts";
import type { TraceEvent } from "../../src/trace/event.ts";

export interface Mutant {
  readonly name: string;
  /** Events that this observer reports. */
  readonly events?: (events: readonly TraceEvent[]) => readonly TraceEvent[];
  /** What this recorder writes down. */
  readonly record?: (record: ActionRecord) => ActionRecord;
  /** How this recorder and decider see the world. */
  readonly files?: (files: Files) => Files;
  /** When this decider takes an old stat for proof that the content is unchanged. */
  readonly trusts?: (was: Stat, now: Stat) => boolean;
  /** This decider looks for the record under the environment of the recorded run. */
  readonly ignoresEnvironment?: true;
}

const without = (name: string, drop: (event: TraceEvent, all: readonly TraceEvent[]) => boolean): Mutant => ({
  name,
  events: (events) => events.filter((event) => !drop(event, events)),
});
const neverAsks = (kind: QuestionKind): Mutant => ({
  name: `a decider that ignores every "${kind}"`,
  record: (record) => withObservations(record, (observation) => observation.kind !== kind),
});
function withObservations(
  record: ActionRecord,
  keep: (observation: ActionRecord["trace"]["observations"][number]) => boolean,
): ActionRecord {
  return { ...record, trace: { ...record.trace, observations: record.trace.observations.filter(keep) } };
}
const seesStat = (name: string, change: (stat: Stat) => Stat): Mutant => ({
  name,
  files: (files) => ({
    ...files,
    lstat(path) {
      const stat = files.lstat(path);
      return stat === undefined || stat instanceof Unreadable ? stat : change(stat);
    },
  }),
});
const outcomeOf = (event: TraceEvent): number | undefined => ("outcome" in event ? event.outcome : undefined);
const ENOENT = 2;

/** Each can do harm with either back end. */
export const mutants: readonly Mutant[] = [
  ...(["file", "probe", "stat", "absent", "directory", "symlink"] as const).map(neverAsks),
  {
    name: "a decider that forgets gaps",
    record: (record) => ({ ...record, trace: { ...record.trace, gaps: [] } }),
  },
  { name: "a decider that ignores the environment", ignoresEnvironment: true },
  {
    name: "a decider that trusts size and modification time",
    trusts: (was, now) => was.sizeBytes === now.sizeBytes && was.mtimeNs === now.mtimeNs,
  },
  seesStat("a decider that ignores the x bit", (stat) => ({ ...stat, mode: stat.mode & ~0o111 })),
  seesStat("a decider that ignores sizes", (stat) => ({ ...stat, sizeBytes: 0 })),
  {
    name: "a decider that ignores the types of what it lists",
    files: (files) => ({
      ...files,
      list(path) {
        const entries = files.list(path);
        return entries === undefined || entries instanceof Unreadable
          ? entries
          : entries.map(([name]) => [name, "file"] as const);
      },
    }),
  },
  {
    name: "a recorder that forgets what the run made",
    record: (record) => ({ ...record, result: { ...record.result, outputs: [] } }),
  },
  {
    name: "a recorder that forgets what the run removed",
    record: ({ result, ...record }) => ({
      ...record,
      result: { ...result, outputs: result.outputs.filter(({ type }) => type !== "deleted") },
    }),
  },
  without("an observer that does not see opens for reading", (e) => e.type === "open" && (e.flags & 3) === 0),
  without("an observer that does not see writes", (e) => e.type === "open" && (e.flags & 3) !== 0),
  without("an observer that does not see stat and access", (e) => e.type === "look"),
  without("an observer that does not see listings", (e) => e.type === "list"),
  without("an observer that does not see executed files", (e) => e.type === "exec"),
  without("an observer that does not follow child processes", (e, all) => e.pid !== all[0]?.pid && e.type !== "exit"),
  without("an observer that does not see mkdir and unlink", (e) => e.type === "change"),
  without("an observer that does not see rename and link", (e) => e.type === "pair"),
  {
    name: "an observer that takes every path to start at the workspace",
    events(events) {
      const first = events.find((event) => "path" in event && event.path.base !== undefined && startsRelative(event));
      const { base, baseAbsolute } = first !== undefined && "path" in first ? first.path : {};
      return events.map((event) =>
        "path" in event && startsRelative(event)
          ? ({ ...event, path: { ...event.path, base, ...(baseAbsolute !== undefined && { baseAbsolute }) } } as TraceEvent)
          : event,
      );
    },
  },
];

/** Only back ends that see outcomes can be blind to them. */
export const outcomeMutants: readonly Mutant[] = [
  without("an observer that does not see failed look-ups", (event) => outcomeOf(event) === ENOENT),
];

function startsRelative(event: TraceEvent): boolean {
  return "path" in event && !event.path.string.startsWith("/");
}
