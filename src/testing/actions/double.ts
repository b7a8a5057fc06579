// GitHub as one job meets it, on loopback: cache service v2 and artifacts v4 of the runner, blob storage, OIDC, and the REST
// endpoints that state who made what. Official clients prove it (official-clients.test.ts); it proves ours. Faults can be
// ordered of each endpoint.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ArtifactService } from "./artifacts.ts";
import { Blobs } from "./blobs.ts";
import { CacheService, twirp } from "./cache.ts";
import { type Endpoint, type Fault, type Reply, send } from "./faults.ts";
import { type JobState, Repository, restAnswer, type RunState } from "./rest.ts";
import { type CacheScope, decodeRuntimeToken, encodeRuntimeToken } from "./token.ts";

export interface NewRun {
  readonly event?: string;
  readonly headSha: string;
  readonly headBranch?: string;
  readonly headTree?: string;
  readonly headRepositoryId?: number | null;
  readonly path?: string;
  readonly runAttempt?: number;
  /** undefined: it still runs. */
  readonly conclusion?: string;
}

/** Reads the REST API of the double with `actions: read` and `contents: read`. */
export const REST_TOKEN = "rest-token";
/** May read contents, but no actions. */
export const CONTENTS_TOKEN = "contents-token";

const READS_ACTIONS: ReadonlySet<Endpoint> = new Set([
  "rest-artifacts",
  "rest-zip",
  "rest-caches",
  "rest-run",
  "rest-jobs",
]);

export class ActionsDouble {
  readonly blobs = new Blobs();
  readonly caches = new CacheService(this.blobs, () => this.url);
  readonly artifacts = new ArtifactService(this.blobs, () => this.url);
  readonly repository = new Repository();
  /** Every request, by endpoint. */
  readonly requests: Endpoint[] = [];
  readonly faults = new Map<Endpoint, Fault>();
  /** Added to each answer: what a service far away takes. */
  latencyMs = 0;
  url = "";
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  close(): Promise<void> {
    return new Promise((done) => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The base URL of the REST API. */
  get apiUrl(): string {
    return `${this.url}/api`;
  }

  run(more: NewRun): RunState {
    const id = 9000 + this.repository.runs.length;
    const conclusion = more.conclusion ?? null;
    const status = conclusion === null ? "in_progress" : "completed";
    const attempt = more.runAttempt ?? 1;
    const job = (): JobState => ({ id: id * 10 + attempt, name: "test", status, conclusion, steps: [] });
    const run: RunState = {
      id,
      backendId: `run-${id}`,
      runAttempt: attempt,
      event: more.event ?? "push",
      headSha: more.headSha,
      headBranch: more.headBranch ?? "main",
      headTree: more.headTree ?? sha1(`tree of ${more.headSha}`),
      headRepositoryId: more.headRepositoryId === undefined ? this.repository.id : more.headRepositoryId,
      path: more.path ?? ".github/workflows/ci.yml",
      status,
      conclusion,
      jobs: Object.fromEntries(Array.from({ length: attempt }, (_, i) => [i + 1, [job()]])),
    };
    this.repository.runs.push(run);
    return run;
  }

  /** @param scopes own scope first */
  token(run: Pick<RunState, "backendId">, scopes: readonly (string | CacheScope)[]): string {
    const full = scopes.map((scope, i) => (typeof scope === "string" ? { scope, read: true, write: i === 0 } : scope));
    return encodeRuntimeToken({ run: run.backendId, job: `job-of-${run.backendId}`, scopes: full });
  }

  /** What the runner puts into the environment of a JavaScript action of this run. */
  env(run: Pick<RunState, "backendId">, scopes: readonly (string | CacheScope)[]): Readonly<Record<string, string>> {
    return {
      ACTIONS_RESULTS_URL: `${this.url}/`,
      ACTIONS_CACHE_SERVICE_V2: "True",
      ACTIONS_RUNTIME_TOKEN: this.token(run, scopes),
      ACTIONS_ID_TOKEN_REQUEST_URL: `${this.url}/oidc?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: this.token(run, scopes),
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", this.url);
    const [endpoint, reply] = this.#answer(request, url, Buffer.concat(chunks));
    if (endpoint !== undefined) this.requests.push(endpoint);
    const fault = endpoint && this.faults.get(endpoint);
    if (this.latencyMs === 0) return send(request, response, reply, fault);
    setTimeout(() => send(request, response, reply, fault), this.latencyMs);
  }

  #answer(request: IncomingMessage, url: URL, body: Buffer): [Endpoint | undefined, Reply] {
    const { method, headers } = request;
    if (url.pathname.startsWith("/blobs/")) {
      if (method === "PUT") return ["blob-put", this.blobs.put(url, headers, body)];
      const reply = this.blobs.get(url, headers);
      // The signature in the URL is the only key: a token sent along would be given to a foreign host.
      if (headers.authorization !== undefined) return ["blob-get", json(400, { message: "authorization sent along" })];
      if (method !== "HEAD") return ["blob-get", reply];
      const length = { "content-length": String(reply.body.length) };
      return ["blob-get", { ...reply, body: Buffer.alloc(0), headers: { ...reply.headers, ...length } }];
    }
    if (url.pathname.startsWith("/twirp/")) return this.#twirp(url, headers.authorization, body);
    if (url.pathname === "/oidc") return ["oidc", this.#oidc(url, headers.authorization)];
    const token = headers.authorization?.replace(/^(?:Bearer|token) /, "");
    const found = restAnswer(this, url);
    if (found === undefined) return [undefined, json(404, { message: "Not Found" })];
    const { endpoint } = found;
    if (token !== REST_TOKEN && token !== CONTENTS_TOKEN) return [endpoint, json(401, { message: "Bad credentials" })];
    if (token === CONTENTS_TOKEN && READS_ACTIONS.has(endpoint))
      return [endpoint, json(403, { message: "Resource not accessible by integration" })];
    return [endpoint, json(found.status, found.json, found.headers)];
  }

  #twirp(url: URL, authorization: string | undefined, body: Buffer): [Endpoint | undefined, Reply] {
    const [, service = "", method = ""] =
      /^\/twirp\/github\.actions\.results\.api\.v1\.(\w+)\/(\w+)$/.exec(url.pathname) ?? [];
    const endpoint = method as Endpoint;
    const token = decodeRuntimeToken(authorization);
    if (token === undefined) return [endpoint, json(401, twirp(401, "unauthenticated", "token").json)];
    const served = { CacheService: this.caches, ArtifactService: this.artifacts }[service];
    if (served === undefined) return [undefined, json(404, twirp(404, "bad_route", service).json)];
    const answer = served.call(method, token, JSON.parse(body.toString()) as Record<string, unknown>);
    return [endpoint, json(answer.status, answer.json)];
  }

  /** Its tokens are no real ones: who needs signatures uses the issuer of src/testing/oidc-issuer.ts. */
  #oidc(url: URL, authorization: string | undefined): Reply {
    if (decodeRuntimeToken(authorization) === undefined || !url.searchParams.has("api-version"))
      return json(401, { message: "token" });
    const claims = { aud: url.searchParams.get("audience") ?? "https://github.com/acme", iss: this.url };
    const value = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
    return json(200, { count: value.length, value });
  }
}

function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = value === "" ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value));
  return { status, body, headers: { "content-type": "application/json; charset=utf-8", ...headers } };
}

export function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
