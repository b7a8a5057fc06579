// The REST endpoints that state who made what: docs.github.com/rest (API version 2022-11-28). History is a graph of commits that
// tests lay down; nothing here knows git.
import type { ArtifactRow, ArtifactService } from "./artifacts.ts";
import type { Blobs } from "./blobs.ts";
import type { CacheService } from "./cache.ts";
import type { Endpoint } from "./faults.ts";

export interface JobState {
  readonly id: number;
  readonly name: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: string | null;
  readonly steps: { readonly name: string; readonly status: string; readonly conclusion: string | null }[];
}

export interface RunState {
  /** The number of the REST API, and the GUID of the services. */
  readonly id: number;
  readonly backendId: string;
  runAttempt: number;
  readonly event: string;
  readonly headSha: string;
  readonly headBranch: string;
  readonly headTree: string;
  readonly headRepositoryId: number | null;
  readonly path: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: string | null;
  /** By attempt, from 1. */
  readonly jobs: Record<number, JobState[]>;
}

export interface PullState {
  readonly number: number;
  readonly headSha: string;
  readonly mergeCommitSha: string | null;
}

export class Repository {
  readonly fullName = "acme/shop";
  readonly id = 456;
  readonly defaultBranch = "main";
  readonly runs: RunState[] = [];
  /** Parents of each commit. */
  readonly commits = new Map<string, readonly string[]>();
  readonly branches = new Map<string, string>();
  /** Pull requests that GitHub connects with a commit. */
  readonly pulls = new Map<string, readonly PullState[]>();
  /** "REF:PATH" -> blob id. */
  readonly contents = new Map<string, string>();
}

export interface RestAnswer {
  readonly endpoint: Endpoint;
  readonly status: number;
  readonly json: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RestParts {
  readonly repository: Repository;
  readonly artifacts: ArtifactService;
  readonly caches: CacheService;
  readonly blobs: Blobs;
  /** Where the double listens. */
  readonly url: string;
}

/** @returns undefined: no such endpoint */
export function restAnswer(parts: RestParts, url: URL): RestAnswer | undefined {
  const { repository } = parts;
  const path = url.pathname.replace(`/api/repos/${repository.fullName}`, "");
  const query = url.searchParams;
  const answer = (endpoint: Endpoint, json: unknown): RestAnswer =>
    json === undefined
      ? { endpoint, status: 404, json: { message: "Not Found", status: "404" } }
      : { endpoint, status: 200, json };
  const list = (rows: readonly ArtifactRow[]) => {
    const name = query.get("name");
    const fit = rows.filter((row) => row.finalized && (name === null || row.name === name)).toReversed();
    const first = fit.slice(0, Number(query.get("per_page") ?? "30"));
    return { total_count: fit.length, artifacts: first.map((row) => artifactJson(parts, row)) };
  };
  const [, zip] = /^\/actions\/artifacts\/(\d+)\/zip$/.exec(path) ?? [];
  if (zip !== undefined) {
    const row = parts.artifacts.rows.find((r) => String(r.id) === zip && r.finalized);
    if (row?.expired === true) return { endpoint: "rest-zip", status: 410, json: { message: "Artifact has expired" } };
    const location = row && parts.url + parts.blobs.sign(row.blob);
    if (location === undefined) return answer("rest-zip", undefined);
    return { endpoint: "rest-zip", status: 302, json: "", headers: { location } };
  }
  if (path === "/actions/artifacts") return answer("rest-artifacts", list(parts.artifacts.rows));
  if (path === "/actions/caches") return answer("rest-caches", cachesJson(parts, query));
  const [, runId, more = ""] = /^\/actions\/runs\/(\d+)(\/.*)?$/.exec(path) ?? [];
  if (runId !== undefined) {
    const run = repository.runs.find(({ id }) => String(id) === runId);
    if (more === "") return answer("rest-run", run && runJson(repository, run));
    if (more === "/artifacts")
      return answer("rest-artifacts", list(parts.artifacts.rows.filter((row) => row.run === run?.backendId)));
    const [, attempt] = /^\/attempts\/(\d+)\/jobs$/.exec(more) ?? [];
    const jobs = attempt === undefined ? undefined : run?.jobs[Number(attempt)];
    return answer(
      "rest-jobs",
      jobs && { total_count: jobs.length, jobs: jobs.map((job) => jobJson(job, runId, attempt)) },
    );
  }
  const [, base, head] = /^\/compare\/(.+?)\.\.\.(.+)$/.exec(decodeURIComponent(path)) ?? [];
  if (base !== undefined && head !== undefined) return answer("rest-compare", compare(repository, base, head));
  const [, commit] = /^\/commits\/([^/]+)\/pulls$/.exec(path) ?? [];
  if (commit !== undefined)
    return answer("rest-pulls", repository.commits.has(commit) ? pullsJson(repository, commit) : undefined);
  const [, file] = /^\/contents\/(.+)$/.exec(decodeURIComponent(path)) ?? [];
  if (file === undefined) return undefined;
  const sha = repository.contents.get(`${query.get("ref") ?? repository.defaultBranch}:${file}`);
  return answer("rest-contents", sha && { type: "file", path: file, sha, size: 1 });
}

function artifactJson({ repository, url: origin }: RestParts, row: ArtifactRow): unknown {
  const run = repository.runs.find(({ backendId }) => backendId === row.run);
  const url = `${origin}/api/repos/${repository.fullName}/actions/artifacts/${row.id}`;
  return {
    id: row.id,
    name: row.name,
    size_in_bytes: row.sizeBytes,
    url,
    archive_download_url: `${url}/zip`,
    expired: row.expired,
    created_at: row.createdAt,
    digest: row.digest,
    workflow_run: run && {
      id: run.id,
      repository_id: repository.id,
      head_repository_id: run.headRepositoryId,
      head_branch: run.headBranch,
      head_sha: run.headSha,
    },
  };
}

function cachesJson({ caches }: RestParts, query: URLSearchParams): unknown {
  const [key, ref] = [query.get("key") ?? "", query.get("ref")];
  const fit = caches.rows.filter((r) => r.finalized && r.key.startsWith(key) && (ref === null || r.scope === ref));
  return {
    total_count: fit.length,
    actions_caches: fit.map((row) => ({
      id: row.id,
      ref: row.scope,
      key: row.key,
      version: row.version,
      size_in_bytes: row.sizeBytes,
    })),
  };
}

function runJson(repository: Repository, run: RunState): unknown {
  return {
    id: run.id,
    run_attempt: run.runAttempt,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    path: run.path,
    head_branch: run.headBranch,
    head_sha: run.headSha,
    head_commit: { id: run.headSha, tree_id: run.headTree },
    html_url: `https://github.com/${repository.fullName}/actions/runs/${run.id}`,
    repository: { id: repository.id, full_name: repository.fullName },
    head_repository: run.headRepositoryId === null ? null : { id: run.headRepositoryId },
  };
}

function jobJson(job: JobState, runId: string, attempt: string | undefined): unknown {
  return {
    id: job.id,
    run_id: Number(runId),
    run_attempt: Number(attempt),
    name: job.name,
    status: job.status,
    conclusion: job.conclusion,
    steps: job.steps,
  };
}

function pullsJson(repository: Repository, commit: string): unknown {
  return (repository.pulls.get(commit) ?? []).map((pull) => ({
    number: pull.number,
    merge_commit_sha: pull.mergeCommitSha,
    merged_at: pull.mergeCommitSha === null ? null : "2026-01-01T00:00:00Z",
    head: { sha: pull.headSha, ref: `topic-${pull.number}` },
    base: { ref: repository.defaultBranch },
  }));
}

function compare(repository: Repository, base: string, head: string): unknown {
  const from = repository.branches.get(base) ?? base;
  const to = repository.branches.get(head) ?? head;
  if (!repository.commits.has(from) || !repository.commits.has(to)) return undefined;
  const [ahead, behind] = [reaches(repository, to, from), reaches(repository, from, to)];
  const status = from === to ? "identical" : ahead ? "ahead" : behind ? "behind" : "diverged";
  return { status, files: [] };
}

function reaches(repository: Repository, from: string, to: string): boolean {
  const [seen, todo] = [new Set<string>(), [from]];
  for (let sha = todo.pop(); sha !== undefined; sha = todo.pop()) {
    if (sha === to) return true;
    if (seen.has(sha)) continue;
    seen.add(sha);
    todo.push(...(repository.commits.get(sha) ?? []));
  }
  return false;
}
