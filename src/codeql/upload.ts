// Uploads a replayed log by the documented endpoint and waits until code scanning has taken it.
// docs.github.com/rest/code-scanning: "Upload an analysis as SARIF data", "Get information about a SARIF upload",
// "List code scanning analyses". Failure classes: github/codeql-action 4.36.3, src/upload-lib.ts.
import { gzipSync } from "node:zlib";
import { asArray, asText, at, objects } from "./sarif/look.ts";
import { LIMITS } from "./sarif/verdict.ts";

export interface UploadParts {
  /** "https://api.github.com" */
  readonly apiUrl: string;
  /** "owner/name" */
  readonly repository: string;
  readonly token: string;
  readonly commit: string;
  /** "refs/heads/main"; "refs/pull/7/merge" */
  readonly ref: string;
  readonly json: Uint8Array;
  readonly results: number;
  readonly checkoutUri: string;
  /** Driver names and category, to find analyses of the same kind. */
  readonly tool: string;
  readonly category: string;
  readonly startedAt: string;
}

export interface UploadEffects {
  readonly fetch: typeof fetch;
  readonly wait: (ms: number) => Promise<void>;
  /** Of one request. */
  readonly timeoutMs: number;
}

export type Uploaded =
  | { readonly kind: "complete"; readonly id: string }
  /** Taken, but not done within 155 s: it goes on in the background. */
  | { readonly kind: "pending"; readonly id: string }
  /** The log itself is refused: the record is wrong, scan. */
  | { readonly kind: "invalid"; readonly status: number | undefined; readonly message: string }
  /** Something about the repository or token: the record is fine. */
  | { readonly kind: "configuration"; readonly status: number | undefined; readonly message: string }
  /** No answer, 429 or 5xx, twice. */
  | { readonly kind: "unavailable"; readonly status: number | undefined; readonly message: string };

/** As github/codeql-action polls: after 5, 15, 35, 75 and 155 s. */
const POLL_MS = [5_000, 10_000, 20_000, 40_000, 80_000];
const MAX_RETRY_AFTER_MS = 30_000;
const RETRY_MS = 1_000;

const CONFIGURATION = [
  "CodeQL analyses from advanced configurations cannot be processed when the default setup is enabled",
  "rejecting delivery as the repository has too many logical alerts",
  "A delivery cannot contain multiple runs with the same category",
];

export async function uploadSarif(parts: UploadParts, effects: UploadEffects): Promise<Uploaded> {
  if (parts.ref.startsWith("refs/heads/gh-readonly-queue/"))
    return {
      kind: "configuration",
      status: undefined,
      message: "code scanning knows no merge queue refs: nothing is uploaded",
    };
  const sarif = gzipSync(parts.json);
  if (sarif.length > LIMITS.gzipBytes)
    return { kind: "invalid", status: undefined, message: `${sarif.length} bytes gzipped, 10 MB are taken` };
  const client = new Client(parts, effects);
  const mixed = await mixedKeys(parts, client);
  if (mixed !== undefined) return { kind: "configuration", status: undefined, message: mixed };
  const posted = await post(parts, client, sarif, effects);
  return "id" in posted ? settle(posted.id, parts, client, effects) : posted;
}

/**
 * Analyses by `analyze` and by this endpoint stand under different keys, and GitHub compares each with its own: mixing them
 * within a category leaves alerts open for ever.
 */
async function mixedKeys(parts: UploadParts, client: Client): Promise<string | undefined> {
  const query = new URLSearchParams({ tool_name: parts.tool, per_page: "100" });
  const answer = await client.request("GET", `analyses?${query.toString()}`);
  // 404: none yet. Anything else that is no list is found by the upload itself.
  if (answer.status !== 200) return undefined;
  const category = parts.category.replace(/\/$/, "");
  const keys = objects(answer.body)
    .filter((analysis) => (asText(analysis["category"]) ?? "").replace(/\/$/, "") === category)
    .map((analysis) => asText(analysis["analysis_key"]) ?? "");
  const other = keys.find((key) => key !== "(default)");
  return other === undefined
    ? undefined
    : `analyses of ${parts.tool} in category ${category} stand under "${other}": use upload-sarif in that job`;
}

async function post(
  parts: UploadParts,
  client: Client,
  sarif: Uint8Array,
  { wait }: UploadEffects,
): Promise<{ readonly id: string } | Uploaded> {
  const body = JSON.stringify({
    commit_sha: parts.commit,
    ref: parts.ref,
    sarif: Buffer.from(sarif).toString("base64"),
    checkout_uri: parts.checkoutUri,
    started_at: parts.startedAt,
    tool_name: parts.tool,
  });
  let answer = await client.request("POST", "sarifs", body);
  if (passing(answer)) {
    await wait(Math.min(answer.retryAfterMs ?? RETRY_MS, MAX_RETRY_AFTER_MS));
    // The first may have arrived all the same: a second one would be a second analysis of the commit.
    const arrived = await findAnalysis(parts, client);
    if (arrived !== undefined) return { id: arrived };
    answer = await client.request("POST", "sarifs", body);
    if (passing(answer)) return { kind: "unavailable", status: answer.status, message: answer.message };
  }
  const id = asText(at(answer.body, "id"));
  if (answer.status === 202 && id !== undefined) return { id };
  const { status, message } = answer;
  return status === 400 || status === 413 || status === 422
    ? { kind: /ref .*not found|default setup/i.test(message) ? "configuration" : "invalid", status, message }
    : { kind: "configuration", status, message };
}

async function settle(id: string, parts: UploadParts, client: Client, { wait }: UploadEffects): Promise<Uploaded> {
  for (const ms of POLL_MS) {
    await wait(ms);
    const { status, body, message } = await client.request("GET", `sarifs/${encodeURIComponent(id)}`);
    // An unknown state is asked for again: the upload goes on without us.
    if (status !== 200) continue;
    const state = asText(at(body, "processing_status"));
    if (state === "failed") return failed(asArray(at(body, "errors")).map(String), message);
    if (state === "complete") return counted(id, parts, client);
  }
  return { kind: "pending", id };
}

function failed(errors: readonly string[], message: string): Uploaded {
  const text = errors.join("; ") || message || "code scanning failed to process it";
  const configuration = errors.length === 1 && CONFIGURATION.some((known) => errors[0]?.includes(known) === true);
  return { kind: configuration ? "configuration" : "invalid", status: undefined, message: text };
}

/** Code scanning says itself how many results it took: fewer would close alerts. */
async function counted(id: string, parts: UploadParts, client: Client): Promise<Uploaded> {
  const { status, body } = await client.request("GET", `analyses?sarif_id=${encodeURIComponent(id)}`);
  const counts = objects(body).map((analysis) => Number(analysis["results_count"] ?? Number.NaN));
  if (status !== 200 || counts.length === 0 || counts.some(Number.isNaN)) return { kind: "complete", id };
  const sum = counts.reduce((a, b) => a + b, 0);
  return sum === parts.results
    ? { kind: "complete", id }
    : {
        kind: "invalid",
        status: undefined,
        message: `code scanning counts ${sum} results, ${parts.results} were sent`,
      };
}

async function findAnalysis(parts: UploadParts, client: Client): Promise<string | undefined> {
  const query = new URLSearchParams({ ref: parts.ref, tool_name: parts.tool, per_page: "100" });
  const { status, body } = await client.request("GET", `analyses?${query.toString()}`);
  if (status !== 200) return undefined;
  const same = objects(body).find(
    (analysis) =>
      analysis["commit_sha"] === parts.commit &&
      (asText(analysis["category"]) ?? "").replace(/\/$/, "") === parts.category.replace(/\/$/, "") &&
      Date.parse(asText(analysis["created_at"]) ?? "") >= Date.parse(parts.startedAt),
  );
  return asText(same?.["sarif_id"]);
}

interface Answer {
  /** undefined: no answer at all. */
  readonly status: number | undefined;
  readonly body: unknown;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

function passing({ status, message }: Answer): boolean {
  // 403 with a rate limit is a 429 in other words.
  return status === undefined || status === 429 || status >= 500 || (status === 403 && /rate limit/i.test(message));
}

class Client {
  readonly #parts: UploadParts;
  readonly #effects: UploadEffects;

  constructor(parts: UploadParts, effects: UploadEffects) {
    this.#parts = parts;
    this.#effects = effects;
  }

  async request(method: "GET" | "POST", path: string, body?: string): Promise<Answer> {
    const { apiUrl, repository, token } = this.#parts;
    try {
      const response = await this.#effects.fetch(`${apiUrl}/repos/${repository}/code-scanning/${path}`, {
        method,
        headers: {
          accept: "application/vnd.github+json",
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "user-agent": "foregone",
          "x-github-api-version": "2022-11-28",
        },
        // A redirect would carry the token to another host.
        redirect: "error",
        signal: AbortSignal.timeout(this.#effects.timeoutMs),
        ...(body !== undefined && { body }),
      });
      const text = await response.text();
      const parsed = parseJson(text);
      const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
      return {
        status: response.status,
        body: parsed,
        message: asText(at(parsed, "message")) ?? `HTTP ${response.status}`,
        retryAfterMs: Number.isFinite(retryAfter) ? Math.max(0, retryAfter * 1000) : undefined,
      };
    } catch (error) {
      const cause = (error as { cause?: { code?: unknown } }).cause?.code;
      const why = typeof cause === "string" ? cause : error instanceof Error ? error.name : "no answer";
      return { status: undefined, body: undefined, message: `no answer (${why})`, retryAfterMs: undefined };
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
