// GitHub's manners in front of any origin of bodies: tags, conditional requests, quotas, secondary limits, late indenting,
// visibility by token. Written from GitHub's documentation and public observations, and sharing no code with src/github/,
// so that a wrong belief there is not believed here too.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

export interface DoubleRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface DoubleResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

/** Makes bodies; knows nothing of tags and limits. */
export type Origin = (request: DoubleRequest, token: string) => DoubleResponse | Promise<DoubleResponse>;

export interface SemanticsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** `github`: the published rule. `other`: another hash. `opaque`: not 64 hex. `liar`: 304 to any tag. `none`: no tags. */
  rule: "github" | "other" | "opaque" | "liar" | "none";
  /** Calls a window of an hour, per token. */
  limit: number;
  /** Whether a 304 repeats ETag and Link. */
  readonly etagOn304: boolean;
  readonly linkOn304: boolean;
  /** Tokens that count as bad credentials. */
  readonly revoked: Set<string>;
  /** Answers before all else; for faults. Undefined: go on. */
  intercept?: (
    request: DoubleRequest,
    token: string,
  ) => DoubleResponse | undefined | Promise<DoubleResponse | undefined>;
}

export interface Logged {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly status: number;
  /** Counted against the quota. */
  readonly paid: boolean;
  readonly ifNoneMatch: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const HOUR_MS = 3_600_000;

export class GitHubSemantics {
  readonly options: SemanticsOptions;
  readonly #origin: Origin;
  readonly #used = new Map<string, { window: number; used: number }>();
  readonly log: Logged[] = [];

  constructor(origin: Origin, options: Partial<SemanticsOptions> = {}) {
    this.#origin = origin;
    this.options = {
      now: Date.now,
      rule: "github",
      limit: 5000,
      etagOn304: true,
      linkOn304: true,
      revoked: new Set(),
      ...options,
    };
  }

  /** Calls that cost quota. */
  get paid(): number {
    return this.log.filter((entry) => entry.paid).length;
  }

  async handle(request: DoubleRequest): Promise<DoubleResponse> {
    const token = (request.headers["authorization"] ?? "").replace(/^\S+ /, "");
    const { response, paid } = await this.#answer(request, token);
    this.log.push({
      method: request.method,
      path: request.path,
      token,
      status: response.status,
      paid,
      ifNoneMatch: request.headers["if-none-match"],
      headers: request.headers,
    });
    return { ...response, headers: { ...response.headers, ...this.#quota(token, paid) } };
  }

  async #answer(request: DoubleRequest, token: string): Promise<{ response: DoubleResponse; paid: boolean }> {
    const intercepted = await this.options.intercept?.(request, token);
    if (intercepted !== undefined) return { response: intercepted, paid: false };
    if (this.options.revoked.has(token)) return { response: json(401, { message: "Bad credentials" }), paid: false };
    if (this.#left(token) <= 0) return { response: json(403, { message: "API rate limit exceeded" }), paid: false };
    const plain = await this.#origin(request, token);
    const reads = request.method === "GET" || request.method === "HEAD";
    if (!reads || plain.status !== 200) return { response: plain, paid: true };
    return this.#conditional(request, plain);
  }

  #conditional(request: DoubleRequest, plain: DoubleResponse): { response: DoubleResponse; paid: boolean } {
    const { rule, etagOn304, linkOn304 } = this.options;
    const strong = tagOf(rule, request, plain.body);
    const gzips = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
    const etag = strong === undefined ? undefined : gzips ? `W/${strong}` : strong;
    const headers: Record<string, string | string[]> = {
      ...plain.headers,
      "cache-control": "private, max-age=60, s-maxage=60",
      vary: ["Accept, Authorization, Cookie, X-GitHub-OTP", "Accept-Encoding, Accept, X-Requested-With"],
      "x-github-media-type": "github.v3; format=json",
      ...(etag !== undefined && { etag }),
    };
    const asked = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
    const matches = rule === "liar" ? asked[0] !== "" : strong !== undefined && asked.includes(strong);
    if (matches) {
      const { "content-type": _type, link, etag: given, ...rest } = headers;
      const kept = {
        ...rest,
        ...(etagOn304 && given !== undefined && { etag: given }),
        ...(linkOn304 && link !== undefined && { link }),
      };
      return { response: { status: 304, headers: kept, body: Buffer.alloc(0) }, paid: false };
    }
    // Indented for people after the tag was made.
    const people = /curl|Wget|Safari|Firefox/.test(request.headers["user-agent"] ?? "");
    const text = people
      ? Buffer.from(`${JSON.stringify(JSON.parse(plain.body.toString()), undefined, 2)}\n`)
      : plain.body;
    const body = request.method === "HEAD" ? Buffer.alloc(0) : gzips ? gzipSync(text) : text;
    const coded = gzips ? { ...headers, "content-encoding": "gzip" } : headers;
    return { response: { status: 200, headers: coded, body }, paid: true };
  }

  #window(): number {
    return Math.floor(this.options.now() / HOUR_MS);
  }

  #left(token: string): number {
    const counted = this.#used.get(token);
    return this.options.limit - (counted?.window === this.#window() ? counted.used : 0);
  }

  #quota(token: string, paid: boolean): Record<string, string> {
    const window = this.#window();
    const before = this.#used.get(token);
    const used = (before?.window === window ? before.used : 0) + (paid ? 1 : 0);
    this.#used.set(token, { window, used });
    return {
      "x-ratelimit-limit": String(this.options.limit),
      "x-ratelimit-remaining": String(Math.max(0, this.options.limit - used)),
      "x-ratelimit-used": String(used),
      "x-ratelimit-reset": String(((window + 1) * HOUR_MS) / 1000),
      "x-ratelimit-resource": "core",
      "x-github-request-id": `D0:${this.log.length}`,
      date: new Date(this.options.now()).toUTCString(),
    };
  }
}

/** The rule in its own words: the request's Accept, Authorization and Cookie, a colon behind each, then the body. */
function tagOf(rule: SemanticsOptions["rule"], request: DoubleRequest, body: Buffer): string | undefined {
  if (rule === "none") return undefined;
  const hash = createHash("sha256");
  if (rule === "other") hash.update("another rule");
  for (const value of [request.headers["accept"], request.headers["authorization"], request.headers["cookie"]])
    if (value !== undefined) hash.update(value).update(":");
  const hex = hash.update(body).digest("hex");
  return rule === "opaque" ? `"${hex.slice(0, 20)}"` : `"${hex}"`;
}

export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string | string[]>> = {},
): DoubleResponse {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}
