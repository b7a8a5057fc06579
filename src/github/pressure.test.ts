// Quotas and limits: what the proxy does when GitHub says "too much", and before.
import { expect, test } from "vitest";
import { json } from "../testing/github-semantics.ts";
import { type TestEngine, testEngine } from "../testing/github-engine.ts";
import { DEFAULT_ENGINE } from "./engine.ts";
import { DEFAULT_THROTTLE, Throttle, isRefusal } from "./throttle.ts";

const REPO = "/repos/o/r";

function refusing(headers: Record<string, string>, status = 403): TestEngine & { refuse: boolean } {
  const state = { refuse: false };
  const t = testEngine({
    semantics: {
      intercept: () =>
        state.refuse ? json(status, { message: "You have exceeded a secondary rate limit" }, headers) : undefined,
    },
  });
  t.table.set(REPO, { v: 1 }).set("/repos/o/s", { v: 2 });
  return Object.assign(state, t);
}

test("GitHub's refusal is passed on, and said again with the time that is left, without asking GitHub", async () => {
  const t = refusing({ "retry-after": "60" });
  t.refuse = true;
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 403, headers: { "retry-after": "60" } });
  t.time.pass(20_000);
  const again = await t.ask("/repos/o/s", "a");
  expect(again).toMatchObject({
    status: 403,
    mode: "SKIP",
    headers: { "retry-after": "40" },
    text: expect.stringContaining("secondary"),
  });
  expect(t.double.log).toHaveLength(1);
  // another token is another matter
  t.refuse = false;
  expect(await t.ask(REPO, "b")).toMatchObject({ status: 200 });
});

test("a short wait is waited for", async () => {
  const t = refusing({ "retry-after": "20" });
  t.refuse = true;
  await t.ask(REPO, "a");
  t.refuse = false;
  const second = t.ask("/repos/o/s", "a");
  await new Promise((resolve) => setImmediate(resolve));
  expect(t.time.sleeping).toEqual([20_000]);
  t.time.pass(20_000);
  expect(await second).toMatchObject({ status: 200 });
});

test("refused without a word how long: a minute, then twice as long", () => {
  const throttle = new Throttle(DEFAULT_THROTTLE, 0);
  const refuse = (now: number): number => {
    throttle.refused("core", 403, {}, new Uint8Array(), now, 0);
    return (throttle.refusal("core", now)?.untilMs ?? 0) - now;
  };
  expect([refuse(0), refuse(100_000), refuse(300_000)]).toEqual([60_000, 120_000, 240_000]);
  throttle.answered("core", false);
  expect(refuse(1e6)).toBe(60_000);
});

test("while refused, a caller's own older answer stands in, marked", async () => {
  const t = refusing({ "retry-after": "300" });
  await t.ask(REPO, "a");
  t.refuse = true;
  t.time.pass(6000);
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, mode: "STALE", why: "status-403" });
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, mode: "STALE", why: "quota" });
});

test("the quota gone: reads with a tag are tried once, and on while GitHub certifies them for nothing", async () => {
  const t = testEngine({ semantics: { limit: 1 } });
  t.table.set(REPO, { v: 1 }).set("/repos/o/s", { v: 2 });
  await t.ask(REPO, "a");
  // paid read: refused by GitHub, then by us
  expect(await t.ask("/repos/o/s", "a")).toMatchObject({ status: 403 });
  expect(await t.ask("/repos/o/s", "a")).toMatchObject({ status: 403, mode: "SKIP" });
  const calls = t.double.log.length;
  t.time.pass(6000);
  // this double certifies nothing at zero: one try, then the older answer without asking
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "STALE" });
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "STALE" });
  expect(t.double.log).toHaveLength(calls + 1);
  // a new window
  t.time.pass(3_600_000);
  expect(await t.ask("/repos/o/s", "a")).toMatchObject({ status: 200 });
});

test("a reserve is kept for people, of a token that people use", async () => {
  const t = testEngine({ semantics: { limit: 60 } });
  for (let i = 0; i < 80; i++) t.table.set(`/repos/o/x${i}`, { i });
  const read = (i: number, interactive: boolean): ReturnType<typeof t.ask> =>
    t.ask(`/repos/o/x${i}`, "a", { interactive });
  await read(0, true);
  let last = 0;
  for (let i = 1; i < 60 && (await read(i, false)).status === 200; i++) last = i;
  // 60 - 50: ten were for the script, the person's own among them
  expect(last).toBe(9);
  expect(await read(61, false)).toMatchObject({ status: 429, text: expect.stringContaining("kept for people") });
  expect(await read(62, true)).toMatchObject({ status: 200 });
  // what is free stays free for all
  t.time.pass(6000);
  expect(await read(1, false)).toMatchObject({ mode: "REVALIDATED" });
});

test("a token that no person uses has no reserve", async () => {
  const t = testEngine({ semantics: { limit: 20 } });
  for (let i = 0; i < 20; i++) t.table.set(`/repos/o/x${i}`, { i });
  for (let i = 0; i < 20; i++) expect(await t.ask(`/repos/o/x${i}`, "a")).toMatchObject({ status: 200 });
});

test("low quota is told once, when it becomes low", async () => {
  const t = testEngine({ semantics: { limit: 102 } });
  for (let i = 0; i < 6; i++) t.table.set(`/repos/o/x${i}`, { i });
  for (let i = 0; i < 6; i++) await t.ask(`/repos/o/x${i}`, "a");
  expect(t.events.filter((event) => event.kind === "quota-low")).toEqual([
    { kind: "quota-low", resource: "core", remaining: 100, resetS: expect.any(Number) },
  ]);
});

test("points: 800 reads at once, then one every 75 ms; ten writes at once, then one a second", () => {
  const throttle = new Throttle(DEFAULT_THROTTLE, 0);
  for (let i = 0; i < 800; i++) expect(throttle.take(false, 0)).toBe(0);
  expect(throttle.take(false, 0)).toBe(75);
  const writer = new Throttle(DEFAULT_THROTTLE, 0);
  for (let i = 0; i < 10; i++) expect(writer.take(true, 0)).toBe(0);
  expect([writer.take(true, 0), writer.take(true, 0)]).toEqual([1000, 2000]);
  expect(writer.take(true, 60_000)).toBe(0);
});

test("no more than `concurrency` calls at once; first come, first served", async () => {
  let underWay = 0;
  let most = 0;
  const order: string[] = [];
  const throttle = { ...DEFAULT_ENGINE.throttle, concurrency: 3 };
  const t = testEngine({
    options: { throttle },
    upstream: (plain) => ({
      async send(request) {
        order.push(request.path);
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setImmediate(resolve));
        const response = await plain.send(request);
        response.body.once("close", () => underWay--);
        return response;
      },
    }),
  });
  const paths = Array.from({ length: 12 }, (_, i) => `/repos/o/x${i}`);
  for (const path of paths) t.table.set(path, {});
  await Promise.all(paths.map((path) => t.ask(path, "a")));
  expect(most).toBe(3);
  expect(order).toEqual(paths);
});

test("isRefusal() tells too much from may not", () => {
  expect(isRefusal(429, {}, undefined)).toBe(true);
  expect(isRefusal(403, { "retry-after": "1" }, undefined)).toBe(true);
  expect(isRefusal(403, { "x-ratelimit-remaining": "0" }, undefined)).toBe(true);
  expect(isRefusal(403, {}, Buffer.from('{"message":"You have exceeded a secondary rate limit"}'))).toBe(true);
  expect(
    isRefusal(
      403,
      { "x-ratelimit-remaining": "9" },
      Buffer.from('{"message":"Resource not accessible by integration"}'),
    ),
  ).toBe(false);
  expect(isRefusal(404, {}, undefined)).toBe(false);
});

const QUERY = Buffer.from('{"query":"query { viewer { login } }"}');

function graphql(ttlS: number): TestEngine & { calls: string[] } {
  const calls: string[] = [];
  const t = testEngine({
    options: { posts: { ...DEFAULT_ENGINE.posts, graphqlTtl: ttlS } },
    semantics: {
      intercept: (request) => {
        if (request.method !== "POST") return undefined;
        calls.push(request.body.toString());
        return json(
          200,
          request.body.includes("broken") ? { data: null, errors: [{}] } : { data: { n: calls.length } },
        );
      },
    },
  });
  return Object.assign({ calls }, t);
}

test("GraphQL: queries are shared while under way and kept only if asked to; mutations are neither", async () => {
  const post = (
    t: TestEngine,
    body: Buffer,
    token = "a",
    headers: Record<string, string> = {},
  ): ReturnType<TestEngine["ask"]> => t.ask("/graphql", token, { method: "POST", body, headers });
  const plain = graphql(0);
  await Promise.all([post(plain, QUERY), post(plain, QUERY)]);
  expect(plain.calls).toHaveLength(1);
  await post(plain, QUERY);
  expect(plain.calls).toHaveLength(2);
  await post(plain, QUERY, "a", { "x-gh-cache-ttl": "1m0s" });
  expect(await post(plain, QUERY, "a", { "x-gh-cache-ttl": "1m0s" })).toMatchObject({ mode: "FRESH" });

  const kept = graphql(60);
  await post(kept, QUERY);
  expect(await post(kept, QUERY)).toMatchObject({ mode: "FRESH", text: '{"data":{"n":1}}' });
  expect(await post(kept, QUERY, "b")).toMatchObject({ text: '{"data":{"n":2}}' });
  const broken = Buffer.from('{"query":"{ broken }"}');
  await post(kept, broken);
  expect(await post(kept, broken)).not.toMatchObject({ mode: "FRESH" });
  const mutation = Buffer.from('{"query":"mutation { x }"}');
  const before = kept.calls.length;
  await Promise.all([post(kept, mutation), post(kept, mutation)]);
  expect(kept.calls).toHaveLength(before + 2);
  // and it voids what was kept
  expect(await post(kept, QUERY)).not.toMatchObject({ mode: "FRESH" });
});

test("a POST that the owner lists is kept for its own caller, no longer than the ceiling", async () => {
  const posts = { ...DEFAULT_ENGINE.posts, cacheablePosts: [{ host: "api.github.com", path: "/complete", ttl: 7200 }] };
  let calls = 0;
  const t = testEngine({
    options: { posts },
    semantics: { intercept: (r) => (r.method === "POST" ? json(200, { n: ++calls }) : undefined) },
  });
  const post = (body: string, token = "a"): ReturnType<TestEngine["ask"]> =>
    t.ask("/complete", token, { method: "POST", body: Buffer.from(body) });
  await post('{"prompt":"x"}');
  expect(await post('{"prompt":"x"}')).toMatchObject({ mode: "FRESH", text: '{"n":1}' });
  expect(await post('{"prompt":"x"}', "b")).toMatchObject({ text: '{"n":2}' });
  expect(await post('{"prompt":"y"}')).toMatchObject({ text: '{"n":3}' });
  await post('{"prompt":"z","stream": true}');
  expect(await post('{"prompt":"z","stream": true}')).toMatchObject({ text: '{"n":5}' });
  t.time.pass(3_600_001);
  expect(await post('{"prompt":"x"}')).toMatchObject({ text: '{"n":6}' });
});
