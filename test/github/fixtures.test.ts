// 132 exchanges that @octokit/fixtures (MIT) recorded from GitHub, replayed as upstream: what a client gets through the engine is
// what was recorded, header for header. Their tokens are redacted, so they prove nothing about the tag rule.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type {
  ApiRequest,
  ResponseHeaders,
  Upstream,
  UpstreamRequest,
  UpstreamResponse,
} from "../../src/github/message.ts";
import { UpstreamError } from "../../src/github/message.ts";
import { DEFAULT_ENGINE } from "../../src/github/engine.ts";
import { testEngine, textOf } from "../../src/testing/github-engine.ts";

interface Recorded {
  readonly scope: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly status: number;
  readonly response: unknown;
  readonly rawHeaders: readonly string[];
  readonly reqheaders: Readonly<Record<string, string>>;
  readonly responseIsBinary: boolean;
}

const SCENARIOS = join(
  dirname(createRequire(import.meta.url).resolve("@octokit/fixtures/package.json")),
  "scenarios",
  "api.github.com",
);

function bodyOf({ response, responseIsBinary }: Recorded): Buffer {
  if (typeof response !== "string") return Buffer.from(JSON.stringify(response));
  return responseIsBinary ? Buffer.from(response, "hex") : Buffer.from(response);
}

/** As recorded, but for what the recorder had undone: compression. */
function headersOf({ rawHeaders }: Recorded): ResponseHeaders {
  const headers: ResponseHeaders = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name, value] = [(rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? ""];
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  for (const name of ["content-encoding", "content-length", "transfer-encoding", "connection"]) delete headers[name];
  return headers;
}

class Replay implements Upstream {
  readonly #left: Recorded[];
  readonly #last = new Map<string, Recorded>();
  /** Nothing happened since: the last answer again. */
  repeats = false;

  constructor(recorded: readonly Recorded[]) {
    this.#left = [...recorded];
  }

  async send(request: UpstreamRequest): Promise<UpstreamResponse> {
    const key = `${request.method} ${request.path}`;
    const next = this.repeats ? -1 : this.#left.findIndex((one) => `${one.method.toUpperCase()} ${one.path}` === key);
    const recorded = next === -1 ? this.#last.get(key) : this.#left.splice(next, 1)[0];
    if (recorded === undefined) throw new UpstreamError("refused", `nothing recorded for ${key}`);
    this.#last.set(key, recorded);
    const headers = headersOf(recorded);
    const asked = request.headers["if-none-match"]?.replace(/^W\//, "");
    if (asked !== undefined && asked === String(headers["etag"]).replace(/^W\//, ""))
      return { status: 304, headers, body: Readable.from([]) };
    return { status: recorded.status, headers, body: Readable.from([bodyOf(recorded)], { objectMode: false }) };
  }
}

const ACCOUNT = new Set(["age"]);

test.each(readdirSync(SCENARIOS))("recorded %s comes through as it was", async (name) => {
  const recorded = JSON.parse(readFileSync(join(SCENARIOS, name, "raw-fixture.json"), "utf8")) as Recorded[];
  // Every read certified: the recordings do not say how much time lay between them.
  const leases = { ...DEFAULT_ENGINE.reads.leases, freshness: "strict" } as const;
  const replay = new Replay(recorded);
  const throttle = { ...DEFAULT_ENGINE.throttle, writeBurst: 1000 };
  const t = testEngine({
    upstream: () => replay,
    options: {
      throttle,
      reads: { ...DEFAULT_ENGINE.reads, leases },
      hosts: [...new Set(recorded.map((one) => new URL(one.scope).hostname))].map((host) => ({ name: host, root: "" })),
    },
  });
  for (const one of recorded) {
    const request: ApiRequest = {
      method: one.method.toUpperCase(),
      host: new URL(one.scope).hostname,
      path: one.path,
      headers: one.reqheaders,
      ...(one.method !== "get" && {
        body: Buffer.from(typeof one.body === "string" ? one.body : JSON.stringify(one.body)),
      }),
    };
    const answer = await t.engine.handle(request);
    expect(answer.status).toBe(one.status);
    expect(await textOf(answer)).toBe(bodyOf(one).toString());
    const kept = Object.fromEntries(Object.entries(answer.headers).filter(([header]) => !ACCOUNT.has(header)));
    expect(kept).toEqual(headersOf(one));
    if (one.method !== "get" || one.status !== 200 || headersOf(one)["etag"] === undefined || answer.mode === "SKIP")
      continue;
    // And again: certified, with the same bytes and the headers that belong to them.
    replay.repeats = true;
    const again = await t.engine.handle(request);
    replay.repeats = false;
    expect([again.status, await textOf(again), again.headers["link"], again.headers["content-type"]]).toEqual([
      200,
      bodyOf(one).toString(),
      headersOf(one)["link"],
      headersOf(one)["content-type"],
    ]);
    expect(["REVALIDATED", "NO-STORE", "CHANGED", "MISS"]).toContain(again.mode);
  }
});
