// The trust rules against an independent wording of docs/soundness.md, for every combination of what can be true.
import { describe, expect, test } from "vitest";
import { jobRule } from "./job-rule.ts";
import {
  type Asker,
  type Belief,
  type Claims,
  judgeProducer,
  type Producer,
  producerClass,
  TRUST_LEVELS,
  type TrustAnswer,
  type TrustQuestion,
} from "./trust.ts";
import { judgeScope } from "./trust-scope.ts";

const OWN = "1";
const FORK = "2";
const [T, OTHER, HEAD, SHA] = ["T", "other", "head", "sha"];

const producer: Producer = {
  runId: "9",
  runAttempt: 1,
  event: "push",
  headSha: SHA,
  headBranch: "main",
  headTree: T,
  repositoryId: OWN,
  headRepositoryId: OWN,
  workflowPath: "ci.yml",
  conclusion: "success",
};
const claims: Claims = { runId: "9", runAttempt: 1, checkRun: "90", tree: T, tool: "1.0" };
const asker: Asker = {
  level: "repository",
  repositoryId: OWN,
  defaultBranch: "main",
  ref: "refs/heads/main",
  head: HEAD,
  headBranch: "main",
  headRepositoryId: OWN,
  tree: T,
  workflowPath: "ci.yml",
  tool: "1.0",
  mode: "step",
};

interface Truth {
  readonly ancestor: boolean;
  readonly landed: boolean;
  readonly merged: boolean;
  readonly definition: boolean;
  readonly job: string;
}

/** Asks until it is settled, and counts; "merged-tree" is asked of git, all others are calls to GitHub. */
function settle(a: Asker, c: Claims, p: Producer, answer: (question: TrustQuestion) => TrustAnswer) {
  const known = new Map<string, TrustAnswer>();
  for (;;) {
    const belief: Belief = judgeProducer(a, c, p, (question) => known.get(JSON.stringify(question)));
    if (belief.kind !== "ask") return { belief, asked: known.size };
    const key = JSON.stringify(belief.question);
    if (known.has(key)) throw new Error(`asked twice: ${key}`);
    known.set(key, answer(belief.question));
  }
}

function answering(truth: Truth): (question: TrustQuestion) => TrustAnswer {
  return (question) => {
    switch (question.ask) {
      case "ancestor":
        return truth.ancestor;
      case "landed":
        return truth.landed ? [SHA] : ["somebody else's"];
      case "merged-tree":
        return truth.merged ? T : OTHER;
      case "definition":
        return truth.definition;
      case "job":
        return truth.job;
      case "cache-refs":
        return [];
      default:
        return question satisfies never;
    }
  };
}

const PRODUCERS: readonly (readonly [string, Partial<Producer>])[] = [
  ["protected", { event: "push" }],
  ["protected", { event: "schedule" }],
  ["protected", { event: "merge_group", headBranch: "gh-readonly-queue/main/pr-7-abc" }],
  ["branch", { event: "merge_group", headBranch: "gh-readonly-queue/release/pr-7-abc" }],
  ["branch", { event: "push", headBranch: "topic" }],
  ["branch", { event: "pull_request", headBranch: "topic" }],
  ["branch", { event: "pull_request", headBranch: "main" }],
  ["fork", { event: "pull_request", headBranch: "main", headRepositoryId: FORK }],
  ["fork", { event: "push", headRepositoryId: undefined }],
  ["foreign", { event: "pull_request_target" }],
  ["foreign", { event: "issue_comment" }],
  ["foreign", { event: "workflow_run" }],
  ["foreign", { event: "something new" }],
];
const ASKERS: readonly Partial<Asker>[] = [
  {},
  { ref: "refs/pull/7/merge", headBranch: "topic" },
  { ref: "refs/heads/topic", headBranch: "topic" },
  { ref: "refs/pull/7/merge", headBranch: "main", headRepositoryId: FORK },
];
const BOTH = [true, false];

function* every(): Generator<{ kind: string; a: Asker; c: Claims; p: Producer; truth: Truth }> {
  for (const [kind, more] of PRODUCERS)
    for (const who of ASKERS)
      for (const level of TRUST_LEVELS)
        for (const mode of ["step", "job"] as const)
          for (const tree of [T, OTHER, undefined])
            for (const headTree of [T, OTHER])
              for (const sameHead of BOTH)
                for (const tool of ["1.0", "0.9"])
                  for (const conclusion of ["success", "failure", undefined])
                    for (let bits = 0; bits < 16; bits++) {
                      const truth = {
                        ancestor: (bits & 1) > 0,
                        landed: (bits & 2) > 0,
                        merged: (bits & 4) > 0,
                        definition: (bits & 8) > 0,
                        job: conclusion ?? "running",
                      };
                      const a = { ...asker, ...who, level, mode, tree: T };
                      const p = { ...producer, ...more, headTree, headSha: sameHead ? HEAD : SHA, conclusion };
                      yield {
                        kind,
                        a,
                        c: { ...claims, tree, tool },
                        p,
                        truth: { ...truth, landed: truth.landed && !sameHead },
                      };
                    }
}

/** The rules once more, as sentences. */
function mayServe(kind: string, a: Asker, c: Claims, p: Producer, truth: Truth): boolean {
  const passed = truth.job === "success" || (truth.job === "running" && a.mode === "step");
  if (!passed) return false;
  const onMain = a.ref === "refs/heads/main";
  const sameHead = p.headSha === a.head;
  const sameTree = c.tree === a.tree;
  if (kind === "protected") return p.event === "merge_group" || (onMain && sameHead) || truth.ancestor;
  if (a.level === "protected" || kind === "foreign") return false;
  if (kind === "fork") return p.headRepositoryId === a.headRepositoryId && sameHead && sameTree;
  if (sameTree) {
    const proved = p.headTree === T || sameHead || (onMain && p.event === "pull_request" && truth.merged);
    return proved && (!onMain || sameHead || truth.landed || truth.ancestor);
  }
  const own = p.headBranch === a.headBranch && p.headRepositoryId === a.headRepositoryId;
  return a.level === "scope" && !onMain && own && c.tool === a.tool && (sameHead || truth.ancestor) && truth.definition;
}

test("believed exactly where the rules say so, in at most four questions", () => {
  const wrong: unknown[] = [];
  let [count, believed] = [0, 0];
  for (const { kind, a, c, p, truth } of every()) {
    const { belief, asked } = settle(a, c, p, answering(truth));
    const expected = mayServe(kind, a, c, p, truth);
    count++;
    if (expected) believed++;
    if ((belief.kind === "believed") !== expected || asked > 4) wrong.push({ kind, a, c, p, truth, belief, asked });
    if (wrong.length > 3) break;
  }
  expect(wrong).toEqual([]);
  expect(count).toBe(13 * 4 * 3 * 2 * 3 * 2 * 2 * 2 * 3 * 16);
  expect(believed).toBeGreaterThan(count / 50);
});

test("no answer is never belief", () => {
  const wrong: unknown[] = [];
  for (const { a, c, p } of every()) {
    const { belief, asked } = settle(a, c, p, () => ({ why: "403" }));
    if (belief.kind === "believed" && asked > 0) wrong.push({ a, c, p });
  }
  expect(wrong).toEqual([]);
});

test("invariant 7: what a fork or a foreign event made never serves the repository's own branches", () => {
  const wrong: unknown[] = [];
  for (const { kind, a, c, p, truth } of every())
    if ((kind === "fork" || kind === "foreign") && a.headRepositoryId === OWN)
      if (settle(a, c, p, answering(truth)).belief.kind !== "refused") wrong.push({ kind, a, c, p });
  expect(wrong).toEqual([]);
});

test("the class is told by the event and the repository, not by the branch's name", () => {
  for (const [kind, more] of PRODUCERS) expect(producerClass({ ...producer, ...more }, "main")).toBe(kind);
});

describe("a claim that GitHub contradicts", () => {
  const cases: readonly [string, Partial<Claims>, Partial<Producer>][] = [
    ["another run", { runId: "8" }, {}],
    ["no run", { runId: undefined }, {}],
    ["a second attempt", { runAttempt: 2 }, {}],
    ["no attempt", { runAttempt: undefined }, {}],
    ["another repository", {}, { repositoryId: "3", headRepositoryId: "3" }],
    ["another workflow", {}, { workflowPath: "other.yml" }],
    ["a job it does not name, of a run that did not succeed", { checkRun: undefined }, { conclusion: "failure" }],
    ["a run that needed another attempt, whose first is not known", { checkRun: undefined }, { runAttempt: 2 }],
  ];
  test.each(cases)("is refused with a reason: %s", (_, c, p) => {
    const truth = { ancestor: true, landed: true, merged: true, definition: true, job: "success" };
    const { belief } = settle(asker, { ...claims, ...c }, { ...producer, ...p }, answering(truth));
    expect(belief).toMatchObject({ kind: "refused", why: expect.stringMatching(/./) as string });
  });
});

describe("what the Actions cache gave", () => {
  const judge = (
    level: Asker["level"],
    readable: string[],
    refs: TrustAnswer,
    mode: Asker["mode"] = "step",
    job = "success",
  ) => {
    let asked = 0;
    const belief = judgeScope({ ...asker, level, mode }, claims, { key: "k", readable }, (question) => {
      asked++;
      return question.ask === "job" ? job : refs;
    });
    return `${belief.kind} ${asked}`;
  };
  const [main, pull] = ["refs/heads/main", "refs/pull/7/merge"];

  test("is believed unasked where nothing but the default branch can be read", () => {
    expect(judge("repository", [main], [])).toBe("believed 0");
    expect(judge("protected", [main], [])).toBe("believed 0");
  });
  test("in a pull request: only what GitHub says lies on the default branch alone", () => {
    expect(judge("repository", [pull, main], [main])).toBe("believed 1");
    expect(judge("repository", [pull, main], [pull])).toBe("refused 1");
    expect(judge("repository", [pull, main], [main, pull])).toBe("refused 1");
    expect(judge("repository", [pull, main], [])).toBe("refused 1");
    expect(judge("repository", [], [pull])).toBe("refused 1");
    expect(judge("repository", [pull, main], { why: "403" })).toBe("refused 1");
    // Another pull request's entry of the same key cannot be what this job read.
    expect(judge("repository", [pull, main], [main, "refs/pull/8/merge"])).toBe("believed 1");
  });
  test("is believed as GitHub scopes it only at level scope", () => {
    expect(judge("scope", [pull, main], [pull])).toBe("believed 0");
  });
  test("for a whole job, that job must have succeeded", () => {
    expect(judge("repository", [main], [], "job")).toBe("believed 1");
    expect(judge("repository", [main], [], "job", "failure")).toBe("refused 1");
  });
});

test("what an event allows", () => {
  for (const event of ["push", "pull_request", "merge_group", "repository_dispatch"])
    expect(jobRule(event, 1)).toEqual({ run: undefined, noRecord: undefined });
  for (const event of ["schedule", "workflow_dispatch"])
    expect(jobRule(event, 1)).toEqual({ run: { kind: "audit", why: `requested by ${event}` }, noRecord: undefined });
  for (const event of ["pull_request_target", "issue_comment", "workflow_run", "", "new"])
    expect(jobRule(event, 1)).toMatchObject({ run: { kind: "gap" }, noRecord: expect.stringMatching(/./) as string });
  for (const attempt of [2, 0, Number.NaN])
    expect(jobRule("push", attempt)).toMatchObject({
      run: { kind: "audit" },
      noRecord: expect.stringMatching(/./) as string,
    });
});
