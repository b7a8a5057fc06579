// Skip policies under comparison. Each says whose result it would reuse, from what it has itself executed so far.
import picomatch from "picomatch";
import type { Commit, History } from "./history.ts";
import type { Job, Truth } from "./job.ts";

export interface Seen {
  readonly commit: Commit;
  readonly truth: Truth;
  readonly job: Job;
  readonly history: History;
}

export interface PolicyState {
  /** Executed under this policy, oldest first. */
  readonly executed: Seen[];
}

export interface Policy {
  readonly name: string;
  /** @returns the run whose result is reused; undefined to run */
  reuse(state: PolicyState, seen: Seen): Seen | undefined;
}

const lastGreen = ({ executed }: PolicyState): Seen | undefined =>
  executed.findLast(({ truth }) => truth.verdict === "passes");

export const POLICIES: readonly Policy[] = [
  { name: "always-run", reuse: () => undefined },
  {
    // A hand-written `on.paths`: skip if nothing it names changed since the last run.
    name: "paths",
    reuse(state, { commit, job, history }) {
      const last = state.executed.at(-1);
      if (job.globs === undefined || last === undefined || last.truth.verdict !== "passes") return undefined;
      const match = picomatch([...job.globs], { dot: true });
      return history.changedPaths(last.commit.id, commit.id).some((path) => match(path)) ? undefined : last;
    },
  },
  {
    name: "tree-equal",
    reuse: ({ executed }, { commit }) =>
      executed.find((run) => run.commit.tree === commit.tree && run.truth.verdict === "passes"),
  },
  {
    // The founding skipper: any added file means run; else run if a changed file was opened by the last recorded run.
    name: "founding",
    reuse(state, { commit, history }) {
      const last = lastGreen(state);
      if (last === undefined || history.addedPaths(last.commit.id, commit.id).length > 0) return undefined;
      const changed = history.changedPaths(last.commit.id, commit.id);
      return changed.some((path) => last.truth.opened.has(path)) ? undefined : last;
    },
  },
  {
    name: "foregone",
    reuse: ({ executed }, { truth }) =>
      truth.decision === "skip" ? executed.find(({ commit }) => commit.id === truth.provedBy) : undefined,
  },
  {
    // Knows the future: the most that any sound policy could skip.
    name: "oracle",
    reuse: ({ executed }, { truth }) =>
      truth.verdict === "passes"
        ? executed.findLast((run) => run.truth.verdict === "passes" && run.truth.report === truth.report)
        : undefined,
  },
];
