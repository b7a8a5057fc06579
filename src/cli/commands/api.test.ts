// The commands of `foregone api`, with real clients that are left as they are: they know only https://api.github.com.
import { existsSync } from "node:fs";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { CLIENT_OUTPUT, CLIENTS, fillForClients, LABELS } from "../../testing/clients.ts";
import { expectNothingOf, filesBelow, secretsOf } from "../../testing/disk-scan.ts";
import { GitHubSemantics } from "../../testing/github-semantics.ts";
import { serveDouble } from "../../testing/github-server.ts";
import { GitHubTable } from "../../testing/github-table.ts";
import { testProxy } from "../../testing/github-proxy.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import { main } from "../main.ts";

interface Bench {
  readonly table: GitHubTable;
  readonly double: GitHubSemantics;
  readonly home: string;
  readonly upstream: readonly string[];
  cli(
    argv: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ code: number; out: string; err: string }>;
}

async function bench(): Promise<Bench> {
  const table = new GitHubTable();
  const double = new GitHubSemantics(table.origin);
  const server = await serveDouble(double);
  onTestFinished(() => server.close());
  const home = temporaryFolder();
  return {
    table,
    double,
    home,
    upstream: ["--upstream", `api.github.com=${server.origin}`],
    async cli(argv, env = {}) {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const code = await main(argv, {
        cwd: process.cwd(),
        env: { PATH: process.env["PATH"] ?? "", HOME: home, XDG_RUNTIME_DIR: home, ...env },
        stdin: new PassThrough(),
        stdout,
        stderr,
      });
      return { code, out: stdout.read()?.toString() ?? "", err: stderr.read()?.toString() ?? "" };
    },
  };
}

const TOKEN = "ghp_0123456789abcdefghij";

/** What the double answered to the reads in its log, for those whose value did not change. */
function bodiesOf({ double, table }: Bench): readonly string[] {
  const reads = double.log.filter(({ method, status }) => method === "GET" && status === 200);
  return reads.map(({ path }) =>
    table.origin({ method: "GET", path, headers: {}, body: Buffer.alloc(0) }, "").body.toString(),
  );
}

test.for(Object.keys(CLIENTS))(
  "exec: %s, unchanged, lists three pages, reads, writes and reads its own write",
  async (name, context) => {
    const { ways, needs, argv } = CLIENTS[name] ?? { argv: [] };
    const b = await bench();
    if (needs !== undefined && !existsSync(needs)) return context.skip(`${needs} is not installed`);
    fillForClients(b.table);
    const via = ways === undefined ? [] : ["--via", ways];
    const done = await b.cli(["api", "exec", ...b.upstream, ...via, "--", ...argv], { GH_TOKEN: TOKEN });
    expect(done).toEqual({ code: 0, out: CLIENT_OUTPUT, err: "" });
    expect(b.double.log.every((entry) => entry.token === TOKEN)).toBe(true);
    expect(b.double.log.filter((entry) => entry.path.endsWith("page=3")).length).toBeGreaterThan(0);
    const kept = filesBelow(b.home);
    expect(kept.length).toBeGreaterThan(3);
    expectNothingOf(kept, secretsOf(b.double, bodiesOf(b)));
  },
);

test("exec keeps the exit code, and says when a command cannot be found", async () => {
  const b = await bench();
  expect(await b.cli(["api", "exec", "--", "sh", "-c", "exit 7"])).toEqual({ code: 7, out: "", err: "" });
  expect(await b.cli(["api", "exec", "--", "sh", "-c", "kill -TERM $$"])).toMatchObject({ code: 143 });
  expect(await b.cli(["api", "exec", "--", "no-such-command"])).toMatchObject({
    code: 127,
    err: expect.stringContaining("not found"),
  });
  expect(await b.cli(["api", "exec"])).toMatchObject({ code: 125 });
  expect(await b.cli(["api", "exec", "--via", "magic", "--", "true"])).toMatchObject({ code: 125 });
});

test("exec runs the command plainly when the configuration is wrong", async () => {
  const b = await bench();
  const done = await b.cli(["api", "exec", "--", "echo", "ran"], { FOREGONE_API_FRESHNESS: "sometimes" });
  expect(done).toMatchObject({ code: 0, out: "ran\n", err: expect.stringContaining("running without Foregone") });
});

test("get prints a body; --paginate joins lists; a second process finds the first one's bytes", async () => {
  const b = await bench();
  fillForClients(b.table);
  const get = (...argv: string[]): Promise<{ code: number; out: string; err: string }> =>
    b.cli(["api", "get", ...b.upstream, ...argv], { GH_TOKEN: "ghp_a" });
  expect(JSON.parse((await get("/repos/o/r")).out)).toMatchObject({ full_name: "o/r" });
  const all = await get("--paginate", "/repos/o/r/labels?per_page=30");
  expect((JSON.parse(all.out) as { name: string }[]).map((label) => label.name)).toEqual(LABELS);
  expect((await get("-i", "repos/o/r")).out).toContain("cache-status: Foregone");
  expect(await get("/nothing")).toMatchObject({ code: 1, err: expect.stringContaining("answered 404") });
  expect(await get()).toMatchObject({ code: 2 });
  // three proofs made the rule known; from then on another token pays nothing for what is on disk
  const paid = b.double.paid;
  const other = await b.cli(["api", "get", ...b.upstream, "/repos/o/r"], { GH_TOKEN: "ghs_other" });
  expect(JSON.parse(other.out)).toMatchObject({ full_name: "o/r" });
  expect(b.double.paid).toBe(paid);
});

test("explain says why each of the last answers was free or paid, and nothing of it reaches a client", async () => {
  await using t = await testProxy();
  const b = await bench();
  t.table.set("/repos/o/r", { id: 1 });
  const get = async (token: string): Promise<string> =>
    (await b.cli(["api", "get", "-i", "--socket", t.socket, "/repos/o/r"], { GH_TOKEN: token })).out;
  const heads = [await get("ghp_a"), await get("ghp_a"), await get("ghs_b"), await get("bad")];
  for (const head of heads) expect(head).not.toContain("no lease");
  await b.cli(["api", "get", "--socket", t.socket, "-H", "cache-control: no-cache", "/repos/o/r"], {
    GH_TOKEN: "ghp_a",
  });
  const explain = (...argv: string[]): Promise<{ code: number; out: string; err: string }> =>
    b.cli(["api", "explain", "--socket", t.socket, ...argv]);
  const { code, out } = await explain("/repos/o/r");
  expect(code).toBe(0);
  expect(out.replaceAll(/\d\d:\d\d:\d\d/g, "T").split("\n")).toEqual([
    "T UTC  GET as ghp_: 200, free: GitHub said 304 to this token (stored)",
    "  no lease: the request asks for a newer answer",
    "T UTC  GET as other: 200, free: GitHub said 304 to this token (computed)",
    "  no lease: the first such read by this token",
    "T UTC  GET as ghs_: 200, free: GitHub said 304 to this token (computed)",
    "  no lease: the first such read by this token",
    "T UTC  GET as ghp_: 200, free, no call: this token's lease holds (lease)",
    "T UTC  GET as ghp_: 200, paid: nothing to ask GitHub about (uri-miss)",
    "  no lease: the first such read by this token",
    "  no tag: nothing is kept of this address",
    "",
  ]);
  const json = JSON.parse((await explain("--json", "https://api.github.com/repos/o/r")).out) as unknown[];
  expect(json).toHaveLength(5);
  expect(await explain("/repos/o/other")).toMatchObject({
    code: 1,
    err: expect.stringContaining("has not been asked"),
  });
  expect(await explain()).toMatchObject({ code: 2 });
});

test("clear makes what was kept unreadable and removes it", async () => {
  const b = await bench();
  fillForClients(b.table);
  const get = (): Promise<unknown> => b.cli(["api", "get", ...b.upstream, "/repos/o/r"], { GH_TOKEN: "ghp_a" });
  await get();
  expect(await b.cli(["api", "clear"])).toMatchObject({ code: 0, out: expect.stringMatching(/^cleared \d+ files\n$/) });
  const paid = b.double.paid;
  await get();
  expect(b.double.paid).toBe(paid + 1);
});

test("stats and invalidate need a running proxy and say so", async () => {
  const b = await bench();
  expect(await b.cli(["api", "stats"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("no API proxy answers"),
  });
  expect(await b.cli(["api", "invalidate", "o/r"])).toMatchObject({ code: 1 });
  expect(await b.cli(["api", "invalidate"])).toMatchObject({ code: 2 });
  expect(await b.cli(["api", "invalidate", "o/r", "--all"])).toMatchObject({ code: 2 });
});

test.each(["api.github.com=http://example.org", "x", "api.github.com=https://h/path", "=https://h"])(
  "--upstream %s is refused",
  async (text) => {
    const b = await bench();
    expect(await b.cli(["api", "get", "--upstream", text, "/x"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--upstream wants"),
    });
  },
);

test("bin/preload.cjs is where exec looks for it", () => {
  expect(existsSync(fileURLToPath(new URL("../../../bin/preload.cjs", import.meta.url)))).toBe(true);
});
