import { createServer, request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { ForegoneError } from "../core/errors.ts";
import { type DashboardFixture, dashboardFixture } from "../testing/dashboard-fixture.ts";
import { webService } from "./server.ts";
import { buildPage } from "../../scripts/build-page.mjs";

let root: string;
let fixture: DashboardFixture;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "foregone-web-"));
  await buildPage(join(root, "page"));
  fixture = await dashboardFixture({ root: join(root, "store"), page: join(root, "page"), decisions: 300 });
});
afterAll(async () => {
  await fixture.web.stop();
  rmSync(root, { recursive: true, force: true });
});

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> {
  const { port } = new URL(fixture.url);
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    call.on("error", reject);
    call.end();
  });
}

const withToken = () => ({ authorization: `Bearer ${fixture.token}` });
const json = async (path: string): Promise<unknown> => JSON.parse((await ask(path, withToken())).text) as unknown;

describe("who is answered", () => {
  test.each([
    ["no token", {}, 401],
    ["a wrong token", { authorization: "Bearer nope" }, 401],
    ["the token under another scheme", { authorization: "Basic TOKEN" }, 401],
    ["the token", { authorization: "Bearer TOKEN" }, 200],
    ["a re-pointed name (DNS rebinding)", { authorization: "Bearer TOKEN", host: "evil.example:PORT" }, 403],
    ["another port's name", { authorization: "Bearer TOKEN", host: "127.0.0.1:1" }, 403],
    ["localhost", { authorization: "Bearer TOKEN", host: "localhost:PORT" }, 200],
    ["another page's script", { authorization: "Bearer TOKEN", origin: "https://evil.example" }, 403],
    ["a sandboxed page's script", { authorization: "Bearer TOKEN", origin: "null" }, 403],
    [
      "its own page",
      { authorization: "Bearer TOKEN", origin: "http://127.0.0.1:PORT", "sec-fetch-site": "same-origin" },
      200,
    ],
    ["an image on another page", { authorization: "Bearer TOKEN", "sec-fetch-site": "cross-site" }, 403],
  ] as const)("%s", async (_, headers, status) => {
    const port = new URL(fixture.url).port;
    const filled = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value.replace("TOKEN", fixture.token).replace("PORT", port),
      ]),
    );
    expect((await ask("/api/summary", filled)).status).toBe(status);
  });

  test("the port is read only", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const got = await ask("/api/summary", withToken(), method);
      expect(got.status, method).toBe(405);
      expect(got.headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  test("every answer forbids frames, foreign code and sniffing", async () => {
    for (const path of ["/", "/app.js", "/api/summary", "/nothing"]) {
      const { headers } = await ask(path);
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).not.toMatch(/unsafe|\*|https?:/);
      expect([headers["x-content-type-options"], headers["x-frame-options"]]).toEqual(["nosniff", "DENY"]);
    }
  });

  test("the page has no data in it", async () => {
    const { status, text } = await ask("/");
    expect(status).toBe(200);
    expect(text).not.toMatch(/npm|runner|token=/);
  });
});

describe("bad requests lose nothing", () => {
  test.each([
    "/api/decision/zz",
    "/api/decision/99999999-9",
    "/api/record?digest=sha256:00",
    `/api/record?digest=sha256:${"0".repeat(64)}`,
    "/api/tree?digest=../../etc/passwd",
    "/api/inputs",
    "/api/%",
    "/../../etc/passwd",
  ])("%s is not there", async (path) => {
    expect((await ask(path, withToken())).status).toBe(404);
  });

  test("numbers out of bounds are taken back into them", async () => {
    for (const hours of ["-1", "1e99", "NaN", "x", "", "0", "720.5"]) {
      const { buckets } = (await json(`/api/timeline?hours=${hours}`)) as { buckets: unknown[] };
      expect(buckets.length, hours).toBeLessThanOrEqual(32);
    }
    const inputs = (await json(`/api/inputs?digest=${fixture.record}&offset=-5`)) as { inputs: { n: number }[] };
    expect([inputs.inputs[0]?.n, inputs.inputs.length]).toEqual([0, 200]);
  });
});

describe("what is answered", () => {
  interface Page {
    readonly decisions: readonly {
      readonly id: string;
      readonly kind: string;
      readonly command: readonly string[];
      readonly reason: string | null;
    }[];
    readonly next: string | null;
  }

  test("pages of decisions cover all, each once", async () => {
    const ids: string[] = [];
    for (let before = ""; ;) {
      const page = (await json(`/api/decisions?before=${before}`)) as Page;
      ids.push(...page.decisions.map((d) => d.id));
      if (page.next === null) break;
      before = page.next;
    }
    expect([ids.length, new Set(ids).size]).toEqual([300, 300]);
  });

  test("filters together select what the sums say", async () => {
    const seen: Page["decisions"][number][] = [];
    for (let before = ""; ;) {
      const page = (await json(`/api/decisions?kind=run&reason=changed&text=cargo&before=${before}`)) as Page;
      seen.push(...page.decisions);
      if (page.next === null) break;
      before = page.next;
    }
    const commands = (await json("/api/commands")) as { command: string[]; reasons: Record<string, number> }[];
    const cargo = commands.find((c) => c.command[0] === "cargo");
    expect(seen.length).toBe(cargo?.reasons["changed"]);
    expect(seen.every((d) => d.reason === "changed" && d.command[0] === "cargo")).toBe(true);
  });

  test("the timeline has every decision of its time, in the reader's days", async () => {
    const of = async (zone: number) => {
      const { buckets } = (await json(`/api/timeline?hours=720&zone=${zone}`)) as {
        buckets: { at: number; skips: number; runs: number }[];
      };
      return { days: buckets.map((b) => b.at), total: buckets.reduce((sum, b) => sum + b.skips + b.runs, 0) };
    };
    const [utc, india] = [await of(0), await of(-330)];
    expect([utc.total, india.total]).toEqual([300, 300]);
    expect(utc.days.every((day) => day % 86_400_000 === 0)).toBe(true);
    expect(india.days.every((day) => (day + 330 * 60_000) % 86_400_000 === 0)).toBe(true);
  });

  test("a map has every input once, at the root and in a folder", async () => {
    interface Node {
      readonly name: string;
      readonly path: string;
      readonly count: number;
      readonly children: readonly Node[];
    }
    const tree = (path: string) =>
      json(`/api/tree?digest=${fixture.record}&under=${encodeURIComponent(path)}`) as Promise<Node>;
    const sums = (node: Node): void => {
      if (node.children.length === 0) return;
      const own = node.count - node.children.reduce((sum, child) => sum + child.count, 0);
      // A folder may itself be an input (it was listed).
      expect(own, node.path).toBeGreaterThanOrEqual(0);
      node.children.forEach(sums);
    };
    const root = await tree("");
    sums(root);
    expect(root.count).toBe(((await json(`/api/inputs?digest=${fixture.record}`)) as { total: number }).total);
    const workspace = root.children.find((child) => child.name === "workspace");
    expect((await tree("workspace")).count).toBe(workspace?.count);
  });

  test("history is thinned to what a plot can show", async () => {
    const name = 'foregone_api_requests_total{outcome="paid"}';
    const samples = (await json(`/api/history?hours=24&names=${encodeURIComponent(name)}`)) as {
      t: number;
      v: Record<string, number>;
    }[];
    expect(samples.length).toBeGreaterThan(100);
    expect(samples.length).toBeLessThanOrEqual(301);
    expect(samples.every((s, i) => i === 0 || (s.v[name] ?? 0) >= (samples[i - 1]?.v[name] ?? 0))).toBe(true);
  });
});

test("a port that is taken is an error that names it and a way out", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as { port: number };
  const web = webService({ name: "dashboard", port, token: "t", open: [], closed: [] });
  const error = await web.start().catch((caught: unknown) => caught);
  await new Promise((done) => other.close(done));
  expect(error).toBeInstanceOf(ForegoneError);
  expect(error).toMatchObject({
    code: "E_PORT",
    exitCode: 11,
    message: `port ${port} of 127.0.0.1 is taken or not allowed (EADDRINUSE)`,
  });
});
