// What a hostile store, peer, upstream, client or clock could do, and that it does not. Against the engine, without sockets.
import { expect, test } from "vitest";
import { type Digest, sha256Of } from "../core/digest.ts";
import { nodeHasher } from "../node/ports.ts";
import { memoryStore } from "../store/memory.ts";
import { type Store, StoreError } from "../store/store.ts";
import { expectNothingOf, secretsOf } from "../testing/disk-scan.ts";
import { PROVEN, TEST_KEYS, testEngine } from "../testing/github-engine.ts";
import { GitHubSemantics, json } from "../testing/github-semantics.ts";
import { GitHubTable } from "../testing/github-table.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { type ApiCandidate, encodeCandidate } from "./candidate.ts";
import { DEFAULT_ENGINE } from "./engine.ts";
import type { Upstream, UpstreamResponse } from "./message.ts";
import { UpstreamError } from "./message.ts";
import { actionOf, weakOf } from "./request-key.ts";
import { deriveKeys, seal } from "./seal.ts";

const REPO = "/repos/o/r";

/** The same store, whose blobs pass through `change` on their way out. */
function tampered(inner: Store, change: (bytes: Uint8Array, digest: Digest) => Uint8Array | undefined): Store {
  return {
    ...inner,
    blobs: {
      ...inner.blobs,
      async get(digest) {
        const bytes = await inner.blobs.get(digest);
        return bytes && change(bytes, digest);
      },
    },
  };
}

test.each([
  ["a bit flipped", (bytes: Uint8Array) => Uint8Array.from(bytes, (b, i) => (i === 20 ? b ^ 1 : b))],
  ["cut short", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
  ["empty", () => new Uint8Array()],
  ["gone", () => undefined],
  [
    "replaced by bytes sealed elsewhere",
    () => seal(deriveKeys(new Uint8Array(32), "x"), "body", Buffer.from('{"evil":1}')),
  ],
])("a body in the store that was %s is never served: it is a miss", async (_name, change) => {
  const store = memoryStore(nodeHasher, 1e8);
  const first = testEngine({ store });
  first.table.set(REPO, { good: 1 });
  await first.ask(REPO, "a");
  await first.engine.flush();
  const second = testEngine({ store: tampered(store, change), double: first.double, time: first.time });
  expect(await second.ask(REPO, "b")).toMatchObject({ mode: "MISS", text: '{"good":1}' });
});

test("two bodies exchanged in the store are not served under each other's name", async () => {
  const store = memoryStore(nodeHasher, 1e8);
  const first = testEngine({ store });
  first.table.set("/repos/o/a", { is: "a" }).set("/repos/o/b", { is: "b" });
  await first.ask("/repos/o/a", "t");
  await first.ask("/repos/o/b", "t");
  await first.engine.flush();
  const blobs: Digest[] = [];
  for (const path of ["/repos/o/a", "/repos/o/b"]) {
    const request = { method: "GET", host: "api.github.com", path, headers: {} };
    const weak = weakOf(nodeHasher, actionOf(request, "application/vnd.github+json", TEST_KEYS.domain));
    for (const entry of await store.records.lookup(weak)) blobs.push(entry.record);
  }
  expect(blobs).toHaveLength(2);
  const contents = await Promise.all(blobs.map((blob) => store.blobs.get(blob)));
  const swapping = tampered(store, (bytes, digest) => contents[1 - blobs.indexOf(digest)] ?? bytes);
  const second = testEngine({ store: swapping, double: first.double, time: first.time });
  expect((await second.ask("/repos/o/a", "u")).text).toBe('{"is":"a"}');
  expect((await second.ask("/repos/o/b", "u")).text).toBe('{"is":"b"}');
});

/** Plants a candidate as a member of the fleet could who holds its key. */
async function plant(store: Store, path: string, body: string): Promise<void> {
  const request = { method: "GET", host: "api.github.com", path, headers: {} };
  const action = actionOf(request, "application/vnd.github+json", TEST_KEYS.domain);
  const weak = weakOf(nodeHasher, action);
  const bytes = Buffer.from(body);
  const candidate: ApiCandidate = {
    body: sha256Of(nodeHasher, bytes),
    sizeBytes: bytes.length,
    headers: { "content-type": "application/json; charset=utf-8" },
    vary: ["Accept", "Authorization", "Cookie"],
    rule: true,
    kind: "other",
    edge: false,
    receivedAt: Date.UTC(2027, 0, 1) as never,
  };
  const sealed = seal(TEST_KEYS, `candidate ${weak}`, encodeCandidate(weak, action, candidate, bytes, "evil"));
  const record = await store.blobs.put(sealed);
  await store.records.append(weak, { pathSet: record, strong: record, record, recordedAt: candidate.receivedAt });
}

test("a peer's wrong bytes cannot match GitHub's tag: the caller gets GitHub's own answer", async () => {
  const store = memoryStore(nodeHasher, 1e8);
  await plant(store, REPO, '{"evil":1}');
  const t = testEngine({ store });
  t.table.set(REPO, { good: 1 });
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "CHANGED", text: '{"good":1}' });
});

test("a peer's right bytes are certified for the caller", async () => {
  const store = memoryStore(nodeHasher, 1e8);
  await plant(store, REPO, '{"good":1}');
  const t = testEngine({ store });
  t.table.set(REPO, { good: 1 });
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "REVALIDATED", why: "computed", text: '{"good":1}' });
});

test("a peer without the domain's key can plant nothing, whatever it puts under our keys", async () => {
  const store = memoryStore(nodeHasher, 1e8);
  const t = testEngine({ store });
  t.table.set(REPO, { good: 1 });
  const request = { method: "GET", host: "api.github.com", path: REPO, headers: {} };
  const weak = weakOf(nodeHasher, actionOf(request, "application/vnd.github+json", TEST_KEYS.domain));
  for (const bytes of ["", "{}", '{"version":1}', "\0".repeat(100)]) {
    const record = await store.blobs.put(Buffer.from(bytes));
    await store.records.append(weak, {
      pathSet: record,
      strong: record,
      record,
      recordedAt: Date.UTC(2027, 0, 1) as never,
    });
  }
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "MISS", text: '{"good":1}' });
});

test("what leaves for a peer or a shared store holds no token, no address, no body, and no hash of one that others could make", async () => {
  const inner = memoryStore(nodeHasher, 1e8);
  const sent: { name: string; bytes: Buffer }[] = [];
  const tell = (name: string, ...values: readonly unknown[]): void => {
    for (const value of values)
      sent.push({ name, bytes: value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(JSON.stringify(value)) });
  };
  const watched: Store = {
    name: "watched",
    blobs: {
      ...inner.blobs,
      get: (digest) => (tell("get", digest), inner.blobs.get(digest)),
      put: (bytes) => (tell("put", bytes), inner.blobs.put(bytes)),
    },
    records: {
      ...inner.records,
      lookup: (weak) => (tell("lookup", weak), inner.records.lookup(weak)),
      append: (weak, entry) => (tell("append", weak, entry), inner.records.append(weak, entry)),
    },
  };
  const table = new GitHubTable()
    .set(REPO, { full_name: "o/r" })
    .set("/repos/o/s", { full_name: "o/s", private: true });
  const first = testEngine({ store: watched, table });
  const second = testEngine({ store: watched, table, double: first.double, time: first.time });
  for (const [t, token] of [
    [first, "ghp_of_a_0123"],
    [second, "ghp_of_b_0123"],
  ] as const) {
    for (const path of [REPO, "/repos/o/s", "/repos/o/nothing"]) await t.ask(path, token);
    await t.engine.flush();
  }
  expect(new Set(sent.map(({ name }) => name))).toEqual(new Set(["get", "put", "lookup", "append"]));
  expectNothingOf(sent, secretsOf(first.double, ['{"full_name":"o/r"}', '{"full_name":"o/s","private":true}']));
});

test("nothing tells a weaker token that a stronger one has read: answers are alike but for the clock and the quota", async () => {
  const t = testEngine();
  t.table.set(REPO, { private: 1 }, { readers: new Set(["strong"]) });
  await t.ask(REPO, "strong");
  const known = await t.ask(REPO, "weak");
  const unknown = await t.ask("/repos/o/nothing", "weak");
  // `reasons` stay on this machine (explain.ts); the test of `api explain` looks at what a client gets.
  const shape = (answer: typeof known): unknown => {
    const { headers, reasons: _, ...shown } = answer;
    const lasting = Object.entries(headers).filter(
      ([name]) => !/^(?:date|x-ratelimit-|x-github-request-id)/.test(name),
    );
    return { ...shown, headers: Object.fromEntries(lasting) };
  };
  expect(shape(known)).toEqual(shape(unknown));
});

test("a token that is revoked inside its lease loses it as soon as GitHub says so", async () => {
  const t = testEngine();
  t.table.set(REPO, { v: 1 }).set("/repos/o/s", {});
  await t.ask(REPO, "a");
  t.double.options.revoked.add("a");
  expect(await t.ask("/repos/o/s", "a")).toMatchObject({ status: 401 });
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 401, text: '{"message":"Bad credentials"}' });
});

test("a right that was taken away: 403 and 404 are not covered by older bytes, whatever is stored", async () => {
  const t = testEngine();
  const readers = new Set(["a"]);
  t.table.set(REPO, { v: 1 }, { readers });
  await t.ask(REPO, "a");
  readers.delete("a");
  t.time.pass(5001);
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 404 });
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 404 });
});

test("an upstream that says 304 to any tag is not believed for tags it never gave", async () => {
  const t = testEngine({ semantics: { rule: "liar" }, ruleFile: "none" });
  t.table.set(REPO, { mine: "a" }, { readers: new Set(["a"]) });
  await t.ask(REPO, "a");
  // the liar has shown one body that fits the rule: not enough to compute tags
  const weak = await t.ask(REPO, "b");
  expect(weak.text).not.toContain("mine");
  expect(t.double.log[1]?.ifNoneMatch).toBeUndefined();
});

test("a 304 with another tag certifies nothing: asked again without one", async () => {
  const table = new GitHubTable().set(REPO, { v: 2 });
  const time = new VirtualTime();
  const double = new GitHubSemantics(table.origin, {
    now: () => time.clock.now(),
    intercept: (request) =>
      request.headers["if-none-match"] === undefined
        ? undefined
        : { status: 304, headers: { etag: `"${"0".repeat(64)}"` }, body: Buffer.alloc(0) },
  });
  const t = testEngine({ double, time, table });
  await t.ask(REPO, "a");
  t.time.pass(6000);
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, text: '{"v":2}' });
  expect(t.events).toContainEqual(expect.objectContaining({ kind: "tag-lie" }));
});

test("the rule changes while we run: no wrong answer, refuted within 3, proven again within 20", async () => {
  const t = testEngine();
  for (let i = 0; i < 60; i++) t.table.set(`/repos/o/r${i}`, { i });
  await t.ask("/repos/o/r0", "a");
  expect(await t.ask("/repos/o/r0", "b")).toMatchObject({ mode: "REVALIDATED" });
  t.double.options.rule = "other";
  for (let i = 1; i <= 3; i++) expect((await t.ask(`/repos/o/r${i}`, "a")).text).toBe(`{"i":${i}}`);
  expect(t.engine.rules()[0]?.[1].verdict).toBe("refuted");
  // stored tags still work for the same caller, and nothing is guessed for others
  t.time.pass(6000);
  expect(await t.ask("/repos/o/r1", "a")).toMatchObject({ mode: "REVALIDATED", why: "stored", text: '{"i":1}' });
  expect(await t.ask("/repos/o/r1", "b")).toMatchObject({ mode: "MISS", text: '{"i":1}' });
  t.double.options.rule = "github";
  for (let i = 10; i < 30; i++) expect((await t.ask(`/repos/o/r${i}`, "a")).text).toBe(`{"i":${i}}`);
  expect(t.engine.rules()[0]?.[1].verdict).toBe("proven");
});

test.each(["opaque", "none"] as const)("an upstream with %s tags is cached for each caller alone", async (rule) => {
  const t = testEngine({ semantics: { rule }, ruleFile: "none" });
  t.table.set(REPO, { v: 1 });
  await t.ask(REPO, "a");
  t.time.pass(6000);
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: rule === "none" ? "MISS" : "REVALIDATED", text: '{"v":1}' });
  expect(await t.ask(REPO, "b")).toMatchObject({ mode: "MISS", text: '{"v":1}' });
});

/** Holds each call until told. */
function gated(): {
  readonly wrap: (plain: Upstream) => Upstream;
  open(): void;
  readonly calls: { aborted: boolean }[];
} {
  const calls: { aborted: boolean }[] = [];
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return {
    calls,
    open,
    wrap: (plain) => ({
      async send(request): Promise<UpstreamResponse> {
        const call = { aborted: false };
        calls.push(call);
        const gone = new Promise<never>((_resolve, reject) =>
          request.signal?.addEventListener("abort", () => {
            call.aborted = true;
            reject(new UpstreamError("aborted", "gone"));
          }),
        );
        await Promise.race([promise, gone]);
        return plain.send(request);
      },
    }),
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("ten concurrent identical reads are one call", async () => {
  const gate = gated();
  const t = testEngine({ upstream: gate.wrap });
  t.table.set(REPO, { v: 1 });
  const reads = Array.from({ length: 10 }, () => t.ask(REPO, "a"));
  await settle();
  gate.open();
  const answers = await Promise.all(reads);
  expect(answers.map((a) => a.text)).toEqual(Array(10).fill('{"v":1}'));
  expect(answers.map((a) => a.mode).sort()).toEqual([...Array(9).fill("COALESCED"), "MISS"]);
  expect(t.double.log).toHaveLength(1);
});

test("sixty cold jobs with sixty tokens: one pays, and each is certified in its own name", async () => {
  const gate = gated();
  const t = testEngine({ upstream: gate.wrap });
  t.table.set(REPO, { v: 1 });
  const reads = Array.from({ length: 60 }, (_, i) => t.ask(REPO, `token-${i}`));
  await settle();
  expect(gate.calls).toHaveLength(1);
  gate.open();
  expect((await Promise.all(reads)).map((a) => a.text)).toEqual(Array(60).fill('{"v":1}'));
  expect(t.double.paid).toBe(1);
  expect(new Set(t.double.log.map((entry) => entry.token)).size).toBe(60);
});

test("a leader that goes away leaves its call to the others; the last to leave ends it", async () => {
  const gate = gated();
  const t = testEngine({ upstream: gate.wrap });
  t.table.set(REPO, { v: 1 });
  const [leader, follower] = [new AbortController(), new AbortController()];
  const first = t.ask(REPO, "a", { signal: leader.signal });
  const second = t.ask(REPO, "a", { signal: follower.signal });
  await settle();
  leader.abort();
  await expect(first).rejects.toMatchObject({ failure: "aborted" });
  expect(gate.calls).toEqual([{ aborted: false }]);
  gate.open();
  expect(await second).toMatchObject({ text: '{"v":1}' });

  const other = gated();
  const u = testEngine({ upstream: other.wrap });
  const [one, two] = [new AbortController(), new AbortController()];
  const both = [u.ask(REPO, "a", { signal: one.signal }), u.ask(REPO, "a", { signal: two.signal })];
  await settle();
  one.abort();
  two.abort();
  await Promise.allSettled(both);
  expect(other.calls).toEqual([{ aborted: true }]);
});

test("a failure is not shared: each who waited asks for itself", async () => {
  let calls = 0;
  const t = testEngine({
    upstream: (plain) => ({
      async send(request) {
        calls++;
        await settle();
        if (calls === 1) throw new UpstreamError("refused", "down");
        return plain.send(request);
      },
    }),
  });
  t.table.set(REPO, { v: 1 });
  const [first, second] = await Promise.allSettled([t.ask(REPO, "a"), t.ask(REPO, "a")]);
  expect(first).toMatchObject({ status: "rejected", reason: { failure: "refused" } });
  expect(second).toMatchObject({ status: "fulfilled", value: { text: '{"v":1}' } });
});

test("a read after a write never joins a call that began before it", async () => {
  const gate = gated();
  const t = testEngine({
    upstream: (plain) => ({
      send: (request) => (request.method === "GET" ? gate.wrap(plain).send(request) : plain.send(request)),
    }),
  });
  t.table.set(REPO, { v: 1 });
  const before = t.ask(REPO, "a");
  await settle();
  await t.ask(REPO, "a", { method: "PATCH", body: Buffer.from('{"v":2}') });
  const after = t.ask(REPO, "a");
  await settle();
  gate.open();
  await before;
  expect(await after).toMatchObject({ text: '{"v":2}' });
  expect(t.double.log.map((entry) => entry.method)).toEqual(["PATCH", "GET", "GET"]);
  // and what began before the write grants no lease
  t.time.pass(10_001);
  expect(await t.ask(REPO, "a")).not.toMatchObject({ mode: "FRESH" });
});

test("the wall clock jumps: a lease ends no later than T after it began, by either clock", async () => {
  for (const [wall, monotonic] of [
    [3_600_000, 0],
    [-3_600_000, 5001],
    [0, 5001],
  ] as const) {
    const t = testEngine();
    t.table.set(REPO, { v: 1 });
    await t.ask(REPO, "a");
    t.table.set(REPO, { v: 2 });
    t.time.jump(wall, monotonic);
    expect((await t.ask(REPO, "a")).text).toBe('{"v":2}');
  }
});

test("a store that fails in every way costs reads, never an answer", async () => {
  for (const code of ["ENOSPC", "EIO", "EACCES", "timeout"]) {
    const fail = async (): Promise<never> => {
      throw new StoreError("disk", code, code);
    };
    const store: Store = {
      name: "bad",
      blobs: { get: fail, put: fail, findMissing: fail },
      records: { lookup: fail, append: fail },
    };
    const t = testEngine({ store });
    t.table.set(REPO, { v: 1 });
    expect(await t.ask(REPO, "a")).toMatchObject({ mode: "MISS", text: '{"v":1}' });
    await t.engine.flush();
    expect(await t.ask(REPO, "b")).toMatchObject({ mode: "REVALIDATED", text: '{"v":1}' });
    expect(t.events).toContainEqual({ kind: "store-failed", code });
  }
});

test("two engines on one store: each sees at once what the other stored, and changes win", async () => {
  const store = memoryStore(nodeHasher, 1e8);
  const a = testEngine({ store });
  const b = testEngine({ store, double: a.double, time: a.time, table: a.table, ruleFile: PROVEN });
  a.table.set(REPO, { v: 1 });
  await a.ask(REPO, "x");
  await a.engine.flush();
  expect(await b.ask(REPO, "y")).toMatchObject({ mode: "REVALIDATED", text: '{"v":1}' });
  a.time.pass(20_000);
  a.table.set(REPO, { v: 2 });
  expect(await b.ask(REPO, "y")).toMatchObject({ mode: "CHANGED", text: '{"v":2}' });
  await b.engine.flush();
  expect(await a.ask(REPO, "x")).toMatchObject({ mode: "REVALIDATED", text: '{"v":2}' });
  expect(a.double.paid).toBe(2);
});

test("GitHub is down: a caller's own older answer, marked, but never for what decides, nor for others, nor after a write", async () => {
  let down = false;
  const t = testEngine({ semantics: { intercept: () => (down ? json(502, { message: "Bad Gateway" }) : undefined) } });
  t.table.set(REPO, { v: 1 }).set("/repos/o/r/commits/x/check-runs", { total_count: 0, check_runs: [] });
  t.table.set("/repos/o/r/collaborators/x/permission", { permission: "admin" });
  for (const path of t.table.resources.keys()) await t.ask(path, "a");
  down = true;
  t.time.pass(60_000);
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, mode: "STALE", text: '{"v":1}', headers: { age: "60" } });
  expect(await t.ask(REPO, "b")).toMatchObject({ status: 502 });
  expect(await t.ask("/repos/o/r/commits/x/check-runs", "a")).toMatchObject({ status: 502 });
  expect(await t.ask("/repos/o/r/collaborators/x/permission", "a")).toMatchObject({ status: 502 });
  expect(await t.ask(REPO, "a", { headers: { "cache-control": "no-cache" } })).toMatchObject({ status: 502 });
  await t.ask(REPO, "a", { method: "PATCH", body: Buffer.from("{}") });
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 502 });
});

test("an answer older than stale-if-error is not served, however long GitHub is down", async () => {
  let down = false;
  const t = testEngine({ semantics: { intercept: () => (down ? json(503, {}) : undefined) } });
  t.table.set(REPO, { v: 1 });
  await t.ask(REPO, "a");
  down = true;
  t.time.pass(600_001);
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 503 });
});

test("strict: every read is certified", async () => {
  const { reads } = DEFAULT_ENGINE;
  const leases = { ...reads.leases, freshness: "strict" } as const;
  const t = testEngine({ options: { reads: { ...reads, leases } } });
  t.table.set(REPO, { v: 1 });
  await t.ask(REPO, "a");
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "REVALIDATED" });
});
