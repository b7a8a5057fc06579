// The API cache without its doors: a request in, an answer out.
//
// Sound only if
//   1. bytes that this caller did not just get from GitHub are served only after a 304 to a tag that names exactly these bytes,
//      under this caller's own Authorization header; or
//   2. under a lease: same caller, same exact key, same epoch of its scope, younger than T; and
//   3. whatever is unknown (a header, a path, a method, a store that fails) leads to GitHub.
import type { Fleet } from "../store/fleet.ts";
import type { Store } from "../store/store.ts";
import { kindOf } from "./bypass.ts";
import { Callers } from "./callers.ts";
import { type CandidateOptions, Candidates, DEFAULT_CANDIDATES } from "./candidates.ts";
import type { ApiEffects } from "./effects.ts";
import { Epochs } from "./epochs.ts";
import { DEFAULT_QUOTA, Exchange, type QuotaOptions } from "./exchange.ts";
import { Explanations, type Explained } from "./explain.ts";
import { DEFAULT_LEASES } from "./lease.ts";
import type { Quota } from "./ledger.ts";
import { type ApiAnswer, type ApiRequest, UpstreamError } from "./message.ts";
import { passThrough } from "./pass.ts";
import { DEFAULT_POSTS, type PostOptions, Posts } from "./posts.ts";
import { Reads } from "./read.ts";
import { DEFAULT_READS, type ReadOptions, type ReadParts } from "./reading.ts";
import { type Route, type Scope, routeOf, scopeOf } from "./route.ts";
import { type RuleFile, Rules } from "./rules.ts";
import type { RuleState } from "./self-check.ts";
import type { ApiKeys } from "./seal.ts";
import { makeSights } from "./sights.ts";
import { type ApiStats, Counters } from "./stats.ts";
import { DEFAULT_THROTTLE, type ThrottleOptions } from "./throttle.ts";

/** Where a REST API lives: "api.github.com" with root "", or a GitHub Enterprise host with root "/api/v3". */
export interface ApiHost {
  readonly name: string;
  readonly root: "" | "/api/v3";
}

export interface EngineOptions {
  readonly hosts: readonly ApiHost[];
  readonly reads: ReadOptions;
  readonly posts: PostOptions;
  readonly throttle: ThrottleOptions;
  readonly quota: QuotaOptions;
  readonly candidates: CandidateOptions;
}

export const DEFAULT_ENGINE: EngineOptions = {
  hosts: [{ name: "api.github.com", root: "" }],
  reads: { ...DEFAULT_READS, leases: DEFAULT_LEASES },
  posts: DEFAULT_POSTS,
  throttle: DEFAULT_THROTTLE,
  quota: DEFAULT_QUOTA,
  candidates: DEFAULT_CANDIDATES,
};

/** What `api invalidate` names. Leases on it end now; bytes need none, a 304 decides about them. */
export type Invalidation = { readonly host?: string; readonly owner?: string; readonly repo?: string };

/** 4,096 x ~300 B; classifying a path costs a dozen patterns, looking it up does not. */
const MAX_ROUTES = 4096;

export class Engine {
  readonly #parts: ReadParts;
  readonly #reads: Reads;
  readonly #posts: Posts;
  readonly #hosts: ReadonlyMap<string, string>;
  readonly #routes = new Map<string, Route>();
  readonly #counters = new Counters();
  readonly #explanations = new Explanations();

  constructor(
    effects: ApiEffects,
    store: Store | undefined,
    keys: ApiKeys,
    options: EngineOptions = DEFAULT_ENGINE,
    ruleFile?: RuleFile,
    fleet?: Fleet,
  ) {
    this.#hosts = new Map(options.hosts.map(({ name, root }) => [name, root]));
    this.#parts = {
      options: options.reads,
      effects,
      callers: new Callers(effects.hasher, effects.random),
      candidates: new Candidates(store, effects.hasher, keys, options.candidates, (code) =>
        effects.onEvent({ kind: "store-failed", code }),
      ),
      epochs: new Epochs(),
      exchange: new Exchange(effects, options.throttle, options.quota),
      rules: new Rules(ruleFile, (host, media, verdict) => effects.onEvent({ kind: "rule", host, media, verdict })),
      sights: makeSights(),
      omitsLink: new Set(),
      fleet,
    };
    this.#reads = new Reads(this.#parts);
    this.#posts = new Posts(this.#parts, options.posts);
  }

  /** An answer at once if it is on lease in memory. @throws UpstreamError when there is nothing to say */
  handle(request: ApiRequest): ApiAnswer | Promise<ApiAnswer> {
    const root = this.#hosts.get(request.host);
    if (root === undefined || !request.path.startsWith(`${root}/`))
      return this.#counted(request, this.#elsewhere(request), "other", ELSEWHERE);
    const path = root === "" ? request.path : request.path.slice(root.length);
    const route = this.#routeOf(path);
    const kind = kindOf(request, path, route);
    const write = { host: request.host, scope: route.scope };
    switch (kind.kind) {
      case "read":
        return this.#counted(request, this.#reads.handle(request, path, route), "read", route);
      case "graphql":
        return this.#counted(request, this.#posts.graphql(request, path), "other", route);
      case "write": {
        const ttl = this.#posts.listedTtl(request, path);
        if (ttl !== undefined) return this.#counted(request, this.#posts.listed(request, path, ttl), "other", route);
        return this.#counted(request, passThrough(this.#parts, request, path, "write", write), "write", route);
      }
      case "bypass":
        return this.#counted(request, passThrough(this.#parts, request, path, kind.why, undefined), "other", route);
      default:
        return kind satisfies never;
    }
  }

  /** A host beside the API. Uploads change a repository as writes do. */
  #elsewhere(request: ApiRequest): Promise<ApiAnswer> {
    const writes = request.method !== "GET" && request.method !== "HEAD";
    const host = request.host.replace(/^uploads\./, "api.");
    const known = writes && this.#hosts.has(host) ? { host, scope: scopeOf(request.path) } : undefined;
    return passThrough(this.#parts, request, request.path, "other-host", known);
  }

  #counted(
    request: ApiRequest,
    answer: ApiAnswer | Promise<ApiAnswer>,
    kind: "read" | "write" | "other",
    route: Route,
  ): ApiAnswer | Promise<ApiAnswer> {
    const note = (settled: ApiAnswer): ApiAnswer => {
      this.#counters.answer(settled, kind, route);
      this.#explanations.note(request, settled, this.#parts.effects.clock.now());
      return settled;
    };
    if (!(answer instanceof Promise)) return note(answer);
    return answer.then(note, (error: unknown) => {
      if (!(error instanceof UpstreamError && error.failure === "aborted")) this.#counters.failure();
      throw error;
    });
  }

  #routeOf(path: string): Route {
    const known = this.#routes.get(path);
    if (known !== undefined) return known;
    const route = routeOf(path);
    if (this.#routes.size >= MAX_ROUTES) this.#routes.clear();
    this.#routes.set(path, route);
    return route;
  }

  /** A webhook or a person says that something changed. */
  invalidate({ host, owner, repo }: Invalidation): void {
    const scope: Scope = { ...(owner !== undefined && { owner }), ...(repo !== undefined && { repo }) };
    for (const name of host === undefined ? this.#hosts.keys() : [host])
      this.#parts.epochs.bump(name, scope, this.#parts.effects.clock.monotonicMs());
  }

  /** Forgets everything; what is on disk can no longer be found nor opened. */
  clear(keys: ApiKeys): void {
    this.invalidate({});
    this.#parts.sights.clear();
    this.#explanations.clear();
    this.#parts.candidates.rekey(keys);
  }

  flush(): Promise<void> {
    return this.#parts.candidates.flush();
  }

  /** @param path as the client sent it */
  explain(host: string, path: string): readonly Explained[] {
    return this.#explanations.of(host, path);
  }

  stats(): ApiStats {
    return this.#counters.snapshot();
  }

  quotas(): readonly Quota[] {
    return this.#parts.exchange.ledger.all();
  }

  rules(): readonly (readonly [string, RuleState])[] {
    return this.#parts.rules.all();
  }

  memory(): { readonly bodies: number; readonly bytes: number; readonly keys: number } {
    return this.#parts.candidates.memory;
  }
}

const ELSEWHERE: Route = { scope: {}, lease: "never", gate: true };
