// Asks GitHub who made a record, and whatever else the trust rules (core/trust.ts) want to know. Each question is asked once in a
// process; no answer is a refusal with a reason. A hit made on another branch costs the run, and one or two questions more.
import {
  type Asker,
  type Belief,
  type Claims,
  judgeProducer,
  type Producer,
  refused,
  type TrustAnswer,
  type TrustAnswers,
  type TrustQuestion,
} from "../core/trust.ts";
import { type CacheOrigin, judgeScope } from "../core/trust-scope.ts";
import { getJson, getObject, idText, type RestParts } from "../store/actions/rest.ts";
import { CACHE_VERSION } from "../store/actions/results-service.ts";
import { StoreError } from "../store/store.ts";

/** What git can say without GitHub; undefined: it lacks the commits. */
export type MergedTree = (commit: string, head: string) => string | undefined;

export interface ProducerParts {
  readonly rest: RestParts;
  readonly workflowPath: string;
  readonly defaultBranch: string;
  readonly mergedTree: MergedTree;
}

type Settled = Exclude<Belief, { kind: "ask" }>;
type Known<T> = T | { readonly why: string };

export class Producers {
  readonly #parts: ProducerParts;
  readonly #runs = new Map<string, Promise<Known<Producer>>>();
  readonly #answers = new Map<string, Promise<TrustAnswer>>();
  readonly #answered = new Map<string, TrustAnswer>();
  #trouble: string | undefined;

  constructor(parts: ProducerParts) {
    this.#parts = parts;
  }

  /** Code of the first question that GitHub did not answer: "403", "timeout". */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** @param runId the run that GitHub says uploaded it, never the one that the record names */
  async judgeRun(asker: Asker, claims: Claims, runId: string): Promise<Settled> {
    const producer = await this.#run(runId);
    if ("why" in producer) return refused(`nobody could say who made it: ${producer.why}`);
    return this.#settle((answers) => judgeProducer(asker, claims, producer, answers));
  }

  judgeCache(asker: Asker, claims: Claims, origin: CacheOrigin): Promise<Settled> {
    return this.#settle((answers) => judgeScope(asker, claims, origin, answers));
  }

  /** What is known of a run that was judged, for the proof line. */
  async producer(runId: string): Promise<Producer | undefined> {
    const known = await this.#runs.get(runId);
    return known === undefined || "why" in known ? undefined : known;
  }

  /** Head commits of the pull requests that landed as `commit`; none if GitHub does not say. */
  async landed(commit: string): Promise<readonly string[]> {
    const answer = await this.#answer({ ask: "landed", commit });
    return Array.isArray(answer) ? (answer as readonly string[]) : [];
  }

  async #settle(judge: (answers: TrustAnswers) => Belief): Promise<Settled> {
    const answers: TrustAnswers = (question) => this.#answered.get(JSON.stringify(question));
    for (;;) {
      const belief = judge(answers);
      if (belief.kind !== "ask") return belief;
      await this.#answer(belief.question);
    }
  }

  async #answer(question: TrustQuestion): Promise<TrustAnswer> {
    const key = JSON.stringify(question);
    const asking = this.#answers.get(key) ?? this.#ask(question).catch((error: unknown) => this.#why(error));
    this.#answers.set(key, asking);
    const answer = await asking;
    this.#answered.set(key, answer);
    return answer;
  }

  async #ask(question: TrustQuestion): Promise<TrustAnswer> {
    const { rest, mergedTree } = this.#parts;
    if (this.#trouble === "timeout") return { why: "GitHub did not answer in time" };
    switch (question.ask) {
      case "ancestor":
        return this.#isAncestor(question.sha, question.from);
      case "landed":
        return landedHeads(await getJson(rest, `commits/${question.commit}/pulls`), question.commit);
      case "merged-tree":
        return (
          mergedTree(question.commit, question.head) ?? {
            why: "git has not both commits to merge them; fetch-depth: 0",
          }
        );
      case "definition":
        return this.#sameDefinition(question.sha);
      case "job":
        return this.#jobVerdict(question.runId, question.checkRun);
      case "cache-refs": {
        const answer = await getObject(rest, `actions/caches?key=${encodeURIComponent(question.key)}&per_page=100`);
        return cacheRefs(answer, question.key);
      }
      default:
        return question satisfies never;
    }
  }

  /** `files` of this endpoint stops at 300; `status` is about commits alone. */
  async #isAncestor(sha: string, from: string): Promise<TrustAnswer> {
    const basehead = `${encodeURIComponent(sha)}...${encodeURIComponent(from)}`;
    const answer = await getObject(this.#parts.rest, `compare/${basehead}?per_page=1`);
    const status = answer?.["status"];
    if (answer === undefined) return false;
    return typeof status === "string" ? status === "ahead" || status === "identical" : { why: "no status" };
  }

  async #sameDefinition(sha: string): Promise<TrustAnswer> {
    const { rest, workflowPath, defaultBranch } = this.#parts;
    const path = `contents/${workflowPath.split("/").map(encodeURIComponent).join("/")}`;
    const at = (ref: string) => getObject(rest, `${path}?ref=${encodeURIComponent(ref)}`);
    const [there, base] = await Promise.all([at(sha), at(defaultBranch)]);
    const [a, b] = [there?.["sha"], base?.["sha"]];
    return typeof a === "string" && a === b;
  }

  async #jobVerdict(runId: string, checkRun: string): Promise<TrustAnswer> {
    const answer = await getObject(this.#parts.rest, `actions/runs/${runId}/attempts/1/jobs?per_page=100`);
    const jobs = (Array.isArray(answer?.["jobs"]) ? answer["jobs"] : []) as Readonly<Record<string, unknown>>[];
    const job = jobs.find(({ id }) => idText(id) === checkRun);
    if (job === undefined) return { why: `run ${runId} has no job ${checkRun}` };
    if (job["status"] === "completed") return typeof job["conclusion"] === "string" ? job["conclusion"] : "unknown";
    const steps = (Array.isArray(job["steps"]) ? job["steps"] : []) as Readonly<Record<string, unknown>>[];
    const failed = steps.find(
      ({ conclusion }) => conclusion !== null && conclusion !== "success" && conclusion !== "skipped",
    );
    return failed === undefined ? "running" : `a step ended with ${String(failed["conclusion"])}`;
  }

  #run(runId: string): Promise<Known<Producer>> {
    const asking =
      this.#runs.get(runId) ??
      getObject(this.#parts.rest, `actions/runs/${runId}`).then(
        (answer) => producerOf(runId, answer),
        (error: unknown) => this.#why(error),
      );
    this.#runs.set(runId, asking);
    return asking;
  }

  #why(error: unknown): { readonly why: string } {
    if (!(error instanceof StoreError)) return { why: error instanceof Error ? error.message : String(error) };
    this.#trouble ??= error.code;
    return { why: error.message };
  }
}

function producerOf(runId: string, run: Readonly<Record<string, unknown>> | undefined): Known<Producer> {
  if (run === undefined) return { why: `GitHub knows no run ${runId}` };
  const inner = (name: string, key: string): unknown => (run[name] as Readonly<Record<string, unknown>> | null)?.[key];
  const { event, head_sha, head_branch, path, run_attempt, status, conclusion } = run;
  const tree = inner("head_commit", "tree_id");
  const repositoryId = idText(inner("repository", "id"));
  const isWhole =
    idText(run["id"]) === runId &&
    [event, head_sha, head_branch, path, tree].every((value) => typeof value === "string" && value !== "") &&
    typeof run_attempt === "number" &&
    inner("head_commit", "id") === head_sha;
  if (!isWhole || repositoryId === undefined) return { why: `what GitHub says of run ${runId} is not whole` };
  return {
    runId,
    runAttempt: run_attempt,
    event: event as string,
    headSha: head_sha as string,
    headBranch: head_branch as string,
    headTree: tree as string,
    repositoryId,
    headRepositoryId: idText(inner("head_repository", "id")),
    // Of a reusable workflow's caller, "path@ref".
    workflowPath: (path as string).split("@")[0] ?? "",
    conclusion: status === "completed" && typeof conclusion === "string" ? conclusion : undefined,
  };
}

/** Pull requests connected with a commit, of which only those count that landed as this very commit. */
function landedHeads(answer: unknown, commit: string): TrustAnswer {
  if (answer === undefined) return [];
  if (!Array.isArray(answer)) return { why: "no list of pull requests" };
  return answer.flatMap((pull: Readonly<Record<string, unknown>>) => {
    const sha = (pull["head"] as Readonly<Record<string, unknown>> | null)?.["sha"];
    const landed = pull["merge_commit_sha"] === commit && typeof pull["merged_at"] === "string";
    return landed && typeof sha === "string" ? [sha] : [];
  });
}

/** The key is taken for a prefix by the endpoint. */
function cacheRefs(answer: Readonly<Record<string, unknown>> | undefined, key: string): TrustAnswer {
  const rows = answer?.["actions_caches"];
  if (!Array.isArray(rows)) return { why: "no list of caches" };
  return (rows as Readonly<Record<string, unknown>>[]).flatMap((row) =>
    row["key"] === key && row["version"] === CACHE_VERSION && typeof row["ref"] === "string" ? [row["ref"]] : [],
  );
}
