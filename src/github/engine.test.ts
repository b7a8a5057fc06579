import { expect, test } from "vitest";
import { json } from "../testing/github-semantics.ts";
import { testEngine } from "../testing/github-engine.ts";

const REPO = "/repos/o/r";

test("the first read is paid, the next is on lease, the one after the lease is certified", async () => {
  const t = testEngine();
  t.table.set(REPO, { id: 1, name: "r" });
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, mode: "MISS", text: '{"id":1,"name":"r"}' });
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, mode: "FRESH", text: '{"id":1,"name":"r"}' });
  t.time.pass(5001);
  expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, mode: "REVALIDATED", text: '{"id":1,"name":"r"}' });
  expect(t.double.log.map((e) => e.status)).toEqual([200, 304]);
  expect(t.engine.stats()).toMatchObject({ requests: 3, reads: 3, paid: 1, certified: 1, fresh: 1 });
});

test("another token gets the bytes only after a 304 under its own name", async () => {
  const t = testEngine();
  t.table.set(REPO, { id: 1 });
  await t.ask(REPO, "a");
  expect(await t.ask(REPO, "b")).toMatchObject({ mode: "REVALIDATED", why: "computed", text: '{"id":1}' });
  expect(t.double.log[1]).toMatchObject({ token: "b", status: 304, paid: false });
});

test("a weaker token never sees what a stronger one may: GitHub's 404 comes back as it is", async () => {
  const t = testEngine();
  t.table.set(REPO, { secret: "x" }, { readers: new Set(["strong"]) });
  await t.ask(REPO, "strong");
  const weak = await t.ask(REPO, "weak");
  expect(weak).toMatchObject({ status: 404, text: '{"message":"Not Found"}' });
  expect(JSON.stringify(weak.headers)).not.toContain("secret");
  expect(await t.ask(REPO, "")).toMatchObject({ status: 404 });
});

test("a change is seen at once by whoever has no lease, and after the lease by all", async () => {
  const t = testEngine();
  t.table.set(REPO, { v: 1 });
  await t.ask(REPO, "a");
  t.table.set(REPO, { v: 2 });
  expect((await t.ask(REPO, "b")).text).toBe('{"v":2}');
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "FRESH", text: '{"v":1}' });
  t.time.pass(5001);
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "REVALIDATED", text: '{"v":2}' });
});

test("whoever writes reads its own write, also while leases would still hold", async () => {
  const t = testEngine();
  t.table.set(REPO, { v: 1 });
  await t.ask(REPO, "a");
  const written = await t.ask(REPO, "a", { method: "PATCH", body: Buffer.from('{"v":2}') });
  expect(written).toMatchObject({ status: 200, mode: "SKIP" });
  expect(await t.ask(REPO, "a")).toMatchObject({ text: '{"v":2}' });
  // GitHub's replicas lag: no lease for a while
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "REVALIDATED" });
  t.time.pass(10_001);
  await t.ask(REPO, "a");
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "FRESH", text: '{"v":2}' });
});

test("a write to one repository leaves the leases of another, and ends those of lists", async () => {
  const t = testEngine();
  t.table.set(REPO, {}).set("/repos/o/other", {}).set("/orgs/o/repos", []);
  for (const path of [REPO, "/repos/o/other", "/orgs/o/repos"]) await t.ask(path, "a");
  await t.ask(REPO, "a", { method: "PATCH", body: Buffer.from("{}") });
  expect(await t.ask("/repos/o/other", "a")).toMatchObject({ mode: "FRESH" });
  expect(await t.ask("/orgs/o/repos", "a")).not.toMatchObject({ mode: "FRESH" });
});

test("invalidate and clear end leases; clear also makes what is stored unfindable", async () => {
  const t = testEngine();
  t.table.set(REPO, { v: 1 });
  await t.ask(REPO, "a");
  t.engine.invalidate({ owner: "o", repo: "r" });
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "REVALIDATED" });
  await t.engine.flush();
  t.engine.clear({ ...(await import("../testing/github-engine.ts")).TEST_KEYS, domain: "other" });
  expect(await t.ask(REPO, "a")).toMatchObject({ mode: "MISS" });
});

test.each(["no-cache", "no-store", "max-age=0"])("Cache-Control: %s goes to GitHub", async (control) => {
  const t = testEngine();
  t.table.set(REPO, {});
  await t.ask(REPO, "a");
  expect(await t.ask(REPO, "a", { headers: { "cache-control": control } })).not.toMatchObject({ mode: "FRESH" });
});

test("a header we do not know makes GitHub answer each time", async () => {
  const t = testEngine();
  t.table.set(REPO, {});
  const headers = { "x-new-behaviour": "1" };
  await t.ask(REPO, "a", { headers });
  expect(await t.ask(REPO, "a", { headers })).toMatchObject({ mode: "REVALIDATED" });
});

test("a client's own If-None-Match is answered from what it would get", async () => {
  const t = testEngine();
  t.table.set(REPO, { v: 1 });
  const first = await t.ask(REPO, "a");
  const etag = first.headers["etag"] as string;
  const headers = { "if-none-match": etag };
  expect(await t.ask(REPO, "a", { headers })).toMatchObject({ status: 304, mode: "FRESH", text: "" });
  t.time.pass(6000);
  expect(await t.ask(REPO, "a", { headers })).toMatchObject({ status: 304, mode: "REVALIDATED" });
  t.table.set(REPO, { v: 2 });
  t.time.pass(6000);
  expect(await t.ask(REPO, "a", { headers })).toMatchObject({ status: 200, text: '{"v":2}' });
});

test("with nothing to compare, the client's own If-None-Match goes up", async () => {
  const t = testEngine();
  t.table.set(REPO, { v: 1 });
  const etag = (await t.ask(REPO, "a")).headers["etag"] as string;
  const cold = testEngine({ double: t.double, time: t.time });
  const answer = await cold.ask(REPO, "a", { headers: { "if-none-match": etag } });
  expect(answer).toMatchObject({ status: 304, why: "client-tag" });
});

test("a full last page is never asked for with a tag: an item behind it changes Link and not the body", async () => {
  const t = testEngine({ semantics: { linkOn304: false } });
  const items = Array.from({ length: 30 }, (_, id) => ({ id }));
  t.table.set("/repos/o/r/labels", items);
  await t.ask("/repos/o/r/labels", "a");
  t.table.set("/repos/o/r/labels", [...items, { id: 30 }]);
  t.time.pass(6000);
  const again = await t.ask("/repos/o/r/labels", "a");
  expect(again.headers["link"]).toContain('rel="next"');
});

test("Link comes live with the 304", async () => {
  const t = testEngine({ semantics: { etagOn304: false } });
  t.table.set(
    "/repos/o/r/labels",
    Array.from({ length: 70 }, (_, id) => ({ id })),
  );
  await t.ask("/repos/o/r/labels", "a");
  t.table.set(
    "/repos/o/r/labels",
    Array.from({ length: 100 }, (_, id) => ({ id })),
  );
  const other = await t.ask("/repos/o/r/labels", "b");
  expect(other).toMatchObject({ mode: "REVALIDATED" });
  expect(other.headers["link"]).toContain('page=4>; rel="last"');
  expect(other.headers["etag"]).toMatch(/^(?:W\/)?"[0-9a-f]{64}"$/);
});

test("where a 304 leaves out Link, a list in pages is asked for whole: first once more, then at once", async () => {
  const t = testEngine({ semantics: { linkOn304: false } });
  t.table.set(
    "/repos/o/r/labels",
    Array.from({ length: 31 }, (_, id) => ({ id })),
  );
  await t.ask("/repos/o/r/labels", "a");
  for (const token of ["b", "c"])
    expect((await t.ask("/repos/o/r/labels", token)).headers["link"]).toContain('page=2>; rel="next"');
  expect(t.double.log.map((entry) => entry.status)).toEqual([200, 304, 200, 200]);
});

test("where a 304 leaves out Link, a next page that went is not announced any more", async () => {
  const t = testEngine({ semantics: { linkOn304: false } });
  const items = Array.from({ length: 31 }, (_, id) => ({ id }));
  t.table.set("/repos/o/r/labels", items);
  await t.ask("/repos/o/r/labels", "a");
  t.table.set("/repos/o/r/labels", items.slice(0, 30));
  expect((await t.ask("/repos/o/r/labels", "b")).headers["link"]).toBeUndefined();
});

test("where a 304 leaves out Link, a list that counts itself keeps its pages", async () => {
  const t = testEngine({ semantics: { linkOn304: false } });
  const link = '<https://api.github.com/x?page=2>; rel="next"';
  t.table.set("/repos/o/r/actions/runs", { total_count: 31, workflow_runs: [{ id: 1 }] }, { headers: { link } });
  await t.ask("/repos/o/r/actions/runs", "a");
  const other = await t.ask("/repos/o/r/actions/runs", "b");
  expect(other).toMatchObject({ mode: "REVALIDATED", headers: { link } });
});

test("rate-limit headers on a hit are the newest that GitHub said, not those of the stored answer", async () => {
  const t = testEngine();
  t.table.set(REPO, {}).set("/repos/o/s", {});
  await t.ask(REPO, "a");
  await t.ask("/repos/o/s", "a");
  const hit = await t.ask(REPO, "a");
  expect(hit).toMatchObject({ mode: "FRESH", headers: { "x-ratelimit-used": "2", "x-ratelimit-remaining": "4998" } });
});

test.each([401, 403, 404, 410, 429, 500, 502, 301, 302, 307, 451])(
  "status %d is passed on and never stored",
  async (status) => {
    let first = true;
    const t = testEngine({
      semantics: {
        intercept: () => {
          if (!first) return undefined;
          first = false;
          return json(status, { message: "no" }, status < 400 ? { location: "https://example.org/x?sig=1" } : {});
        },
      },
    });
    t.table.set(REPO, { v: 1 });
    expect(await t.ask(REPO, "a")).toMatchObject({ status, text: '{"message":"no"}' });
    await t.engine.flush();
    expect(t.engine.memory()).toMatchObject({ bodies: 0 });
    t.time.pass(61_000);
    expect(await t.ask(REPO, "a")).toMatchObject({ status: 200, mode: "MISS" });
  },
);

test.each([
  "/repos/o/r/actions/runs/1/logs",
  "/repos/o/r/tarball/main",
  "/repos/o/r/actions/artifacts/3/zip",
  "/rate_limit",
  "/repos/o/r/contents/x?token=abc",
  "/orgs/o/actions/runners/downloads",
])("%s is forwarded and never stored", async (path) => {
  const t = testEngine();
  t.table.set(path, { v: 1 });
  expect(await t.ask(path, "a")).toMatchObject({ status: 200, mode: "SKIP" });
  expect(await t.ask(path, "a")).toMatchObject({ status: 200, mode: "SKIP" });
  expect(t.engine.memory()).toMatchObject({ bodies: 0 });
});

test("a body that holds a credential is not stored", async () => {
  const t = testEngine();
  t.table.set("/repos/o/r/contents/x", { download_url: "https://raw.githubusercontent.com/o/r/x?token=ABC" });
  expect(await t.ask("/repos/o/r/contents/x", "a")).toMatchObject({ mode: "NO-STORE", why: "credential-in-body" });
  expect(t.engine.memory()).toMatchObject({ bodies: 0 });
});

test("an empty list is guessed for free", async () => {
  const t = testEngine();
  t.table.set("/repos/o/r/pulls", []);
  expect(await t.ask("/repos/o/r/pulls", "a")).toMatchObject({ mode: "REVALIDATED", why: "speculative", text: "[]" });
  expect(t.double.paid).toBe(0);
});

test("HEAD is certified and never stored", async () => {
  const t = testEngine();
  t.table.set(REPO, { v: 1 });
  expect(await t.ask(REPO, "a", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  await t.ask(REPO, "a");
  expect(await t.ask(REPO, "b", { method: "HEAD" })).toMatchObject({ status: 200, mode: "REVALIDATED", text: "" });
});

test("gh api sends an empty Accept: GitHub gets one whose bytes we know", async () => {
  const t = testEngine();
  t.table.set(REPO, {});
  await t.ask(REPO, "a", { headers: { accept: "" } });
  expect(t.double.log[0]?.headers).toMatchObject({ accept: "application/vnd.github+json" });
  expect(await t.ask(REPO, "b", { headers: { accept: "*/*" } })).toMatchObject({ mode: "REVALIDATED" });
});
