// Whom we believe (docs/soundness.md, "Trust"). A record only claims who made it; what counts is what GitHub states of the run
// that uploaded it. Pure: this file says what must be asked of GitHub, the shell asks, this file answers. What nobody answered
// is a refusal with a reason, never belief.
//
// The idea behind the rules: a run executes the code of its commit, and that code can forge whatever the run leaves behind. So
// a record may serve where the code that made it is judged anyway (the very same tree), or where it is trusted anyway (landed on
// the default branch). Nothing else of a record proves that it is honest.
import { OWN_EVENTS } from "./job-rule.ts";

/**
 * `protected`: only runs of the default branch and its merge queue serve. `repository`: also a run of this repository on the
 * very same tree. `scope`: also what GitHub's own scope rule lets this job read, as `actions/cache` does: earlier commits of the
 * same branch or pull request, whose code could have forged it.
 */
export const TRUST_LEVELS = ["protected", "repository", "scope"] as const;
export type TrustLevel = (typeof TRUST_LEVELS)[number];

/** The job that asks, by what the runner and the event payload state. Ids are GitHub's numbers as text. */
export interface Asker {
  readonly level: TrustLevel;
  readonly repositoryId: string;
  readonly defaultBranch: string;
  /** "refs/heads/main", "refs/pull/7/merge". */
  readonly ref: string;
  /** The head of a pull request, else the commit that is checked out. */
  readonly head: string;
  /** Where that head lives: branch name and repository. */
  readonly headBranch: string;
  readonly headRepositoryId: string;
  /** The tree that is judged; undefined if the working tree differs from its commit. */
  readonly tree: string | undefined;
  /** ".github/workflows/ci.yml". */
  readonly workflowPath: string;
  readonly tool: string;
  /** `job`: the verdict of a whole job is reused, so the job must have succeeded; `step`: that of one of its steps. */
  readonly mode: "step" | "job";
}

/** What a record says of its maker. Believed only where it agrees with the producer. */
export interface Claims {
  readonly runId: string | undefined;
  readonly runAttempt: number | undefined;
  readonly checkRun: string | undefined;
  readonly tree: string | undefined;
  readonly tool: string;
}

/** The run that uploaded a record, as `GET /repos/{r}/actions/runs/{id}` states it. */
export interface Producer {
  readonly runId: string;
  /** The newest attempt. */
  readonly runAttempt: number;
  readonly event: string;
  readonly headSha: string;
  readonly headBranch: string;
  /** Tree of `headSha`: for a pull request not necessarily the tree that was tested. */
  readonly headTree: string;
  readonly repositoryId: string;
  /** undefined: the fork is gone. */
  readonly headRepositoryId: string | undefined;
  readonly workflowPath: string;
  /** Of the newest attempt: "success", ...; undefined: it still runs. */
  readonly conclusion: string | undefined;
}

export type ProducerClass = "protected" | "branch" | "fork" | "foreign";

/** What must be asked of GitHub or of git before a producer can be judged. */
export type TrustQuestion =
  /** Is `sha` reachable from the branch or commit `from`? */
  | { readonly ask: "ancestor"; readonly sha: string; readonly from: string }
  /** Head commits of the pull requests that landed as `commit`. */
  | { readonly ask: "landed"; readonly commit: string }
  /** The tree that merging `head` into the first parent of `commit` gives. */
  | { readonly ask: "merged-tree"; readonly commit: string; readonly head: string }
  /** Is the workflow file the same at the producer's commit and on the default branch? */
  | { readonly ask: "definition"; readonly sha: string }
  /** How the job of this check run ended in attempt 1: GitHub's conclusion, or "running" if no step has failed so far. */
  | { readonly ask: "job"; readonly runId: string; readonly checkRun: string }
  /** The refs under which the Actions cache holds `key`. */
  | { readonly ask: "cache-refs"; readonly key: string };

/** `why`: nobody could answer. */
export type TrustAnswer = boolean | string | readonly string[] | { readonly why: string };
/** The answer, or undefined if it was not asked yet. */
export type TrustAnswers = (question: TrustQuestion) => TrustAnswer | undefined;

export type Belief =
  | { readonly kind: "believed"; readonly class: ProducerClass | "scope" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "ask"; readonly question: TrustQuestion };

/** What stands against belief: a refusal, or a question that is still open. */
type NotYet = Exclude<Belief, { kind: "believed" }>;

/**
 * The class of a run. `protected` still needs its commit to be on the default branch: a tag may be called like the branch.
 * A branch name alone proves nothing, for a fork or a pull request's head may be called "main": the event decides.
 */
export function producerClass(producer: Producer, defaultBranch: string): ProducerClass {
  if (producer.headRepositoryId !== producer.repositoryId) return "fork";
  if (!OWN_EVENTS.includes(producer.event)) return "foreign";
  if (producer.event === "merge_group")
    return producer.headBranch.startsWith(`gh-readonly-queue/${defaultBranch}/`) ? "protected" : "branch";
  return producer.event !== "pull_request" && producer.headBranch === defaultBranch ? "protected" : "branch";
}

/**
 * May a record with these claims, uploaded by this run, serve the asker?
 * @returns `ask` until every question it depends on has an answer; it asks for no more than it needs
 */
export function judgeProducer(asker: Asker, claims: Claims, producer: Producer, answers: TrustAnswers): Belief {
  const wrong = wrongClaim(asker, claims, producer);
  if (wrong !== undefined) return refused(wrong);
  const made = producerClass(producer, asker.defaultBranch);
  const licence = licenceOf(made, asker, claims, producer, answers);
  if (licence !== true) return licence;
  // A run succeeds only if its jobs do; one call saved. Of a second attempt that says nothing of the first.
  const succeeded = producer.runAttempt === 1 && producer.conclusion === "success";
  const passed = succeeded ? true : jobPassed(asker, claims, answers);
  return passed === true ? { kind: "believed", class: made } : passed;
}

/** What a record says and GitHub does not: needs no further question. */
function wrongClaim(asker: Asker, claims: Claims, producer: Producer): string | undefined {
  if (claims.runId !== producer.runId)
    return `it names run ${claims.runId ?? "(none)"}, and run ${producer.runId} uploaded it`;
  if (claims.runAttempt !== 1)
    return `made by attempt ${claims.runAttempt ?? "(none)"}: only first attempts are evidence`;
  if (producer.repositoryId !== asker.repositoryId) return "made in another repository";
  if (producer.workflowPath !== asker.workflowPath) return `made by another workflow, ${producer.workflowPath}`;
  return undefined;
}

function licenceOf(
  made: ProducerClass,
  asker: Asker,
  claims: Claims,
  producer: Producer,
  answers: TrustAnswers,
): true | NotYet {
  switch (made) {
    case "foreign":
      return refused(`made by ${producer.event}, which runs in a context that is not its commit's own`);
    case "fork":
      return fork(asker, claims, producer);
    case "protected":
      return protectedRun(asker, producer, answers);
    case "branch":
      return branch(asker, claims, producer, answers);
    default:
      return made satisfies never;
  }
}

/** Its own pull request at the same commit, nothing else: who may not write to the repository proves nothing for it. */
function fork(asker: Asker, claims: Claims, producer: Producer): true | NotYet {
  const own = producer.headRepositoryId !== undefined && producer.headRepositoryId === asker.headRepositoryId;
  if (asker.level !== "protected" && own && producer.headSha === asker.head && sameTree(asker, claims)) return true;
  return refused("made by a fork's pull request, which serves only itself at the same commit");
}

function protectedRun(asker: Asker, producer: Producer, answers: TrustAnswers): true | NotYet {
  if (producer.event === "merge_group") return true;
  if (onDefaultBranch(asker) && producer.headSha === asker.head) return true;
  return granted(
    { ask: "ancestor", sha: producer.headSha, from: asker.defaultBranch },
    answers,
    `its commit ${short(producer.headSha)} is not on ${asker.defaultBranch}`,
  );
}

function branch(asker: Asker, claims: Claims, producer: Producer, answers: TrustAnswers): true | NotYet {
  const where = `made on ${producer.headBranch} (${producer.event})`;
  if (asker.level === "protected") return refused(`${where}, and only protected branches are trusted`);
  if (!sameTree(asker, claims)) return otherTree(asker, claims, producer, answers, where);
  const proved = testedTree(asker, producer, answers, where);
  if (proved !== true) return proved;
  return onDefaultBranch(asker) ? landedHere(asker, producer, answers, where) : true;
}

/** Was the tree that is judged really the one that ran? GitHub states the head's tree, not that of the merge that was tested. */
function testedTree(asker: Asker, producer: Producer, answers: TrustAnswers, where: string): true | NotYet {
  // The very commit that is judged ran, perhaps merged into another base: whoever could forge is being judged.
  if (producer.headTree === asker.tree || producer.headSha === asker.head) return true;
  const unproved = `${where}, whose tree is another than the one it claims to have tested`;
  if (producer.event !== "pull_request" || !onDefaultBranch(asker)) return refused(unproved);
  const question: TrustQuestion = { ask: "merged-tree", commit: asker.head, head: producer.headSha };
  const answer = answers(question);
  if (answer === undefined) return { kind: "ask", question };
  if (answer === asker.tree) return true;
  return refused(typeof answer === "object" && "why" in answer ? `${unproved} (${answer.why})` : unproved);
}

/** On the default branch the tree alone is not enough: the run's commit must have become part of it. */
function landedHere(asker: Asker, producer: Producer, answers: TrustAnswers, where: string): true | NotYet {
  if (producer.headSha === asker.head) return true;
  const question: TrustQuestion = { ask: "landed", commit: asker.head };
  const landed = answers(question);
  if (landed === undefined) return { kind: "ask", question };
  if (Array.isArray(landed) && landed.includes(producer.headSha)) return true;
  return granted(
    { ask: "ancestor", sha: producer.headSha, from: asker.head },
    answers,
    `${where}, whose commit ${short(producer.headSha)} did not land here`,
  );
}

/** T2: another tree. Only where the user said that a branch may believe itself. */
function otherTree(
  asker: Asker,
  claims: Claims,
  producer: Producer,
  answers: TrustAnswers,
  where: string,
): true | NotYet {
  const same = producer.headBranch === asker.headBranch && producer.headRepositoryId === asker.headRepositoryId;
  if (asker.level !== "scope" || onDefaultBranch(asker) || !same)
    return refused(`${where}, which may serve only the very same tree`);
  if (claims.tool !== asker.tool) return refused(`${where} by ${claims.tool}, another version`);
  if (producer.headSha !== asker.head) {
    const ancestor = granted(
      { ask: "ancestor", sha: producer.headSha, from: asker.head },
      answers,
      `${where}, and its commit ${short(producer.headSha)} is no ancestor of this one`,
    );
    if (ancestor !== true) return ancestor;
  }
  return granted({ ask: "definition", sha: producer.headSha }, answers, `${where}, under a changed workflow file`);
}

/** T5: only what passed. The record names its own job; that it is one of the run's, and passed, GitHub says. */
export function jobPassed(asker: Asker, { runId, checkRun }: Claims, answers: TrustAnswers): true | NotYet {
  if (runId === undefined || checkRun === undefined) return refused("it does not say which job made it");
  const question: TrustQuestion = { ask: "job", runId, checkRun };
  const verdict = answers(question);
  if (verdict === undefined) return { kind: "ask", question };
  if (verdict === "success") return true;
  // A step's record is uploaded when the steps are over: that the job still runs says nothing against it.
  if (verdict === "running" && asker.mode === "step") return true;
  return refused(typeof verdict === "string" ? `its job: ${verdict}` : unanswered(question, verdict));
}

function sameTree(asker: Asker, claims: Claims): boolean {
  return asker.tree !== undefined && claims.tree === asker.tree;
}

function onDefaultBranch(asker: Asker): boolean {
  return asker.ref === `refs/heads/${asker.defaultBranch}`;
}

function granted(question: TrustQuestion, answers: TrustAnswers, otherwise: string): true | NotYet {
  const answer = answers(question);
  if (answer === undefined) return { kind: "ask", question };
  if (answer === true) return true;
  return refused(answer === false ? otherwise : unanswered(question, answer));
}

export function unanswered({ ask }: TrustQuestion, answer: TrustAnswer): string {
  const why = typeof answer === "object" && "why" in answer ? answer.why : "no answer";
  return `nobody could say (${ask}): ${why}`;
}

export function refused(why: string): Extract<Belief, { kind: "refused" }> {
  return { kind: "refused", why };
}

function short(sha: string): string {
  return sha.slice(0, 8);
}
