// Deliberately broken observers and deciders: each is blind to one thing that the property must notice.
import type { QuestionKind } from "../../src/core/observation.ts";
import type { ActionRecord } from "../../src/core/record.ts";
import { type Files, type Stat, Unreadable } from "../../src/ports.ts";
import type { TraceEvent } from "../../src/trace/event.ts";

export interface Mutant {
  readonly name: string;
  /** A program of the actor (test/fixtures/actor.c) that it is prone to get wrong: its turn comes while it is not caught. */
  readonly prone: readonly string[];
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

const without = (
  name: string,
  prone: readonly string[],
  drop: (event: TraceEvent, all: readonly TraceEvent[]) => boolean,
): Mutant => ({
  name,
  prone,
  events: (events) => events.filter((event) => !drop(event, events)),
});
const neverAsks = ([kind, ...prone]: readonly [QuestionKind, ...string[]]): Mutant => ({
  name: `a decider that ignores every "${kind}"`,
  prone,
  record: (record) => withObservations(record, (observation) => observation.kind !== kind),
});
function withObservations(
  record: ActionRecord,
  keep: (observation: ActionRecord["trace"]["observations"][number]) => boolean,
): ActionRecord {
  return { ...record, trace: { ...record.trace, observations: record.trace.observations.filter(keep) } };
}
const seesStat = (name: string, prone: readonly string[], change: (stat: Stat) => Stat): Mutant => ({
  name,
  prone,
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
  ...(
    [
      ["file", "ra"],
      ["probe", "aa"],
      ["stat", "sa"],
      ["absent", "sa", "ad/a"],
      ["directory", "dd"],
      ["symlink", "kl"],
    ] as const
  ).map(neverAsks),
  {
    name: "a decider that forgets gaps",
    prone: ["ra", "wa=9"],
    record: (record) => ({ ...record, trace: { ...record.trace, gaps: [] } }),
  },
  { name: "a decider that ignores the environment", prone: ["eLANGUAGE"], ignoresEnvironment: true },
  {
    name: "a decider that trusts size and modification time",
    prone: ["ra"],
    trusts: (was, now) => was.sizeBytes === now.sizeBytes && was.mtimeNs === now.mtimeNs,
  },
  seesStat("a decider that ignores the x bit", ["sa", "sd/a", "sx.sh"], (stat) => ({
    ...stat,
    mode: stat.mode & ~0o111,
  })),
  seesStat("a decider that ignores sizes", ["sa"], (stat) => ({ ...stat, sizeBytes: 0 })),
  {
    name: "a decider that ignores the types of what it lists",
    prone: ["dd"],
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
    prone: ["wo/a=1"],
    record: (record) => ({ ...record, result: { ...record.result, outputs: [] } }),
  },
  {
    name: "a recorder that forgets what the run removed",
    prone: ["ua", "ud/a"],
    record: ({ result, ...record }) => ({
      ...record,
      result: { ...result, outputs: result.outputs.filter(({ type }) => type !== "deleted") },
    }),
  },
  without("an observer that does not see opens for reading", ["ra"], (e) => e.type === "open" && (e.flags & 3) === 0),
  without("an observer that does not see writes", ["wo/a=1"], (e) => e.type === "open" && (e.flags & 3) !== 0),
  without("an observer that does not see stat and access", ["aa"], (e) => e.type === "look"),
  without("an observer that does not see listings", ["dd"], (e) => e.type === "list"),
  without("an observer that does not see executed files", ["xx.sh"], (e) => e.type === "exec"),
  without(
    "an observer that does not follow child processes",
    ["xx.sh"],
    (e, all) => e.pid !== all.find(({ type }) => type === "exec")?.pid,
  ),
  without("an observer that does not see mkdir and unlink", ["ua"], (e) => e.type === "change"),
  without("an observer that does not see rename and link", ["wo/a=1", "no/a=o/b"], (e) => e.type === "pair"),
  {
    name: "an observer that takes every path to start at the workspace",
    prone: ["cd", "ra"],
    events(events) {
      const first = events.find(startsRelative);
      const { base, baseAbsolute } = first !== undefined && "path" in first ? first.path : {};
      return events.map((event) =>
        "path" in event && startsRelative(event)
          ? ({
              ...event,
              path: { ...event.path, base, ...(baseAbsolute !== undefined && { baseAbsolute }) },
            } as TraceEvent)
          : event,
      );
    },
  },
];

/** Only back ends that see outcomes can be blind to them. */
export const outcomeMutants: readonly Mutant[] = [
  without("an observer that does not see failed look-ups", ["ra"], (event) => outcomeOf(event) === ENOENT),
];

function startsRelative(event: TraceEvent): boolean {
  return "path" in event && !event.path.string.startsWith("/");
}
