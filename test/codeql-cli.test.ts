// The whole way at a terminal: check, scan with (a stand-in of) the CodeQL CLI, store, replay, upload. The SARIF is what CodeQL
// 2.19.0 wrote for a TypeScript project; the stand-in only copies it.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Log } from "sarif";
import { expect, test } from "vitest";
import { canonicalSarif } from "../src/codeql/sarif/canonical.ts";
import { objects, at } from "../src/codeql/sarif/look.ts";
import { type Metrics, sumsBy } from "../src/report/metrics.ts";
import { type Ran, runCli } from "../src/testing/cli.ts";
import { CodeScanningDouble } from "../src/testing/code-scanning-double.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

const RECORDED = resolve("test/vectors/sarif/codeql-2.19.0-raw-typescript.sarif");
const SCAN = ["--language", "typescript", "--build-mode", "none"];

class Terminal {
  readonly base = temporaryFolder();
  readonly folder = join(this.base, "repo");
  readonly log = join(this.base, "codeql.log");
  env: Record<string, string> = {
    PATH: `${join(this.base, "bin")}:${process.env["PATH"] ?? ""}`,
    HOME: this.base,
    FOREGONE_CACHE_DIR: join(this.base, "store"),
    FOREGONE_CODEQL_AUDIT: "0",
    CODEQL_STAND_IN_LOG: this.log,
    CODEQL_STAND_IN_SARIF: RECORDED,
  };

  constructor() {
    mkdirSync(join(this.base, "bin"));
    const standIn = resolve("src/testing/codeql-stand-in.mjs");
    chmodSync(standIn, 0o755);
    symlinkSync(standIn, join(this.base, "bin/codeql"));
    mkdirSync(this.folder);
    this.git("init", "-q", "-b", "main");
    this.git("remote", "add", "origin", "https://github.com/acme/demo.git");
    // Every file that the recorded log names, long enough for its lines.
    const log = JSON.parse(readFileSync(RECORDED, "utf8")) as Log;
    const named = log.runs.flatMap((run) =>
      objects(run.artifacts).map((artifact) => String(at(artifact, "location", "uri"))),
    );
    for (const path of named) this.write(path, "// line\n".repeat(300));
    this.write("README.md", "# demo\n");
    this.commit();
  }

  git(...args: string[]): string {
    return execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: this.folder,
      encoding: "utf8",
    }).trim();
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  commit(): string {
    this.git("add", "-A");
    this.git("commit", "-q", "--allow-empty", "-m", "x");
    return this.git("rev-parse", "HEAD");
  }

  foregone(...argv: string[]): Promise<Ran> {
    return runCli(argv, { cwd: this.folder, env: this.env });
  }

  /** As a CI script would. */
  codeql(): string {
    const sarif = join(this.base, "results.sarif");
    const run = (...args: string[]) => execFileSync("codeql", args, { cwd: this.folder, env: this.env, stdio: "pipe" });
    run("database", "create", "--language=javascript", "--source-root=.", join(this.base, "db"));
    run("database", "analyze", join(this.base, "db"), "--format=sarifv2.1.0", `--output=${sarif}`);
    return sarif;
  }

  async scanned(): Promise<void> {
    const { code } = await this.foregone("codeql", "check", ...SCAN);
    const stored = await this.foregone("codeql", "store", ...SCAN, "--sarif", this.codeql());
    if (code !== 3 || !stored.stdout.startsWith("stored codeql javascript"))
      throw new Error(stored.stdout + stored.stderr);
  }

  get scans(): number {
    return existsSync(this.log)
      ? readFileSync(this.log, "utf8")
          .split("\n")
          .filter((l) => l.startsWith("database analyze")).length
      : 0;
  }
}

test("check says scan, store keeps the result, check then holds for other commits, branches and clones", async () => {
  const t = new Terminal();
  await t.scanned();
  const held = await t.foregone("codeql", "check", ...SCAN);
  expect(held.code).toBe(0);
  expect(held.stdout).toMatch(/^skip {3}codeql javascript {3}exact: the same tree\n.*1 critical/);
  t.write("README.md", "# other\n");
  const commit = t.commit();
  const other = await t.foregone("codeql", "check", ...SCAN);
  expect(other.stdout).toMatch(/^skip {3}codeql javascript {3}relevant: 11 of 12 files compared, 1 inert\n/);
  const replayed = await t.foregone("codeql", "replay", ...SCAN, "-o", join(t.base, "replay.sarif"));
  expect(replayed.code).toBe(0);
  const log = JSON.parse(readFileSync(join(t.base, "replay.sarif"), "utf8")) as Log;
  expect(log.runs[0]?.automationDetails?.id).toBe("/language:javascript/");
  expect(log.runs[0]?.results?.[0]?.ruleId).toBe("js/code-injection");
  expect(JSON.stringify(log.runs[0]?.tool)).not.toContain("/Users/john.doe");
  expect(t.git("rev-parse", "HEAD")).toBe(commit);
  expect(t.scans).toBe(1);
  // A look-up is no saving, and the same replay made twice spared one scan.
  await t.foregone("codeql", "replay", ...SCAN, "-o", join(t.base, "again.sarif"));
  const metrics = JSON.parse((await t.foregone("metrics", "--json")).stdout) as Metrics;
  expect(sumsBy(metrics, "foregone_codeql_scans_total", "outcome")).toEqual({ stored: 1, retrieved: 2, skipped: 1 });
});

test("a changed source file is named, by explain with everything that differs", async () => {
  const t = new Terminal();
  await t.scanned();
  t.write("yarn/src/app.ts", "// changed\n".repeat(300));
  t.write("yarn/src/new.ts", "1\n");
  const check = await t.foregone("codeql", "check", ...SCAN);
  expect(check).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(
      /^run {4}codeql javascript {3}changed source yarn\/src\/app\.ts \w{8} -> \w{8}, 1 more\n/,
    ) as string,
  });
  const explain = await t.foregone("codeql", "explain", ...SCAN, "--queries", "security-extended");
  expect(explain.stdout).toContain('changed config queries "" -> "security-extended"');
  expect(explain.stdout).toContain("  changed  source yarn/src/app.ts");
  expect(explain.stdout).toContain("  changed  source yarn/src/new.ts appeared");
  const json = JSON.parse((await t.foregone("codeql", "check", ...SCAN, "--json")).stdout) as { decision: string };
  expect(json.decision).toBe("run");
});

async function uploading(): Promise<{ t: Terminal; double: CodeScanningDouble }> {
  const t = new Terminal();
  await t.scanned();
  const double = await new CodeScanningDouble().start();
  t.env = { ...t.env, GITHUB_TOKEN: "good", GITHUB_API_URL: double.url };
  return { t, double };
}

test("replay --upload sends the result by the documented endpoint and waits for it", async (context) => {
  if (process.env["FOREGONE_TEST_LONG"] !== "1") return context.skip("waits 5 s: FOREGONE_TEST_LONG=1");
  const { t, double } = await uploading();
  expect((await t.foregone("codeql", "replay", ...SCAN, "--upload")).code).toBe(0);
  expect(double.uploads).toMatchObject([{ ref: "refs/heads/main", commit_sha: t.git("rev-parse", "HEAD") }]);
});

test("a replay that code scanning refuses proves nothing: exit 1, and the next check says scan", async () => {
  const { t, double } = await uploading();
  double.faults = [
    { on: "POST sarifs", answer: { status: 422, body: { message: "rejecting SARIF, as it is wrong" } } },
  ];
  const refused = await t.foregone("codeql", "replay", ...SCAN, "--upload");
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("rejecting SARIF") as string });
  expect((await t.foregone("codeql", "check", ...SCAN)).code).toBe(3);
});

test("a token that may not upload is told in GitHub's words, and the result stays good", async () => {
  const { t } = await uploading();
  t.env = { ...t.env, GITHUB_TOKEN: "bad" };
  const refused = await t.foregone("codeql", "replay", ...SCAN, "--upload");
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("HTTP 403") as string });
  expect((await t.foregone("codeql", "check", ...SCAN)).code).toBe(0);
  t.env = { ...t.env, GITHUB_TOKEN: "" };
  expect((await t.foregone("codeql", "replay", ...SCAN, "--upload")).stderr).toContain("hint: set GITHUB_TOKEN");
});

test("stats count a skip once for each commit, by recorded durations, and looking up saves nothing", async () => {
  const t = new Terminal();
  await t.foregone("codeql", "check", ...SCAN);
  const sarif = t.codeql();
  await t.foregone("codeql", "store", ...SCAN, "--sarif", sarif, "--started", String(Date.now() - 292_000));
  for (let i = 0; i < 3; i++) await t.foregone("codeql", "check", ...SCAN);
  for (let i = 0; i < 3; i++) await t.foregone("codeql", "replay", ...SCAN);
  const stats = JSON.parse((await t.foregone("codeql", "stats", "--json")).stdout) as Record<string, number>;
  expect(stats).toMatchObject({ hits: 3, stored: 1, skipped: 1, misses: { "no-record": 1 } });
  expect(stats["savedMs"]).toBeGreaterThan(280_000);
  expect(stats["savedMs"]).toBeLessThan(293_000);
});

test("invalidate disowns by commit, language, or all; store refuses what it must and says so", async () => {
  const t = new Terminal();
  await t.scanned();
  const head = t.git("rev-parse", "HEAD");
  expect((await t.foregone("codeql", "invalidate")).code).toBe(2);
  expect((await t.foregone("codeql", "invalidate", "--commit", "0000000")).stdout).toBe("0 records disowned\n");
  expect((await t.foregone("codeql", "invalidate", "--language", "go")).stdout).toBe("0 records disowned\n");
  expect((await t.foregone("codeql", "invalidate", "--commit", head)).stdout).toBe("1 record disowned\n");
  expect((await t.foregone("codeql", "check", ...SCAN)).code).toBe(3);
  await t.scanned();
  expect((await t.foregone("codeql", "invalidate", "--all")).stdout).toBe("1 record disowned\n");
  writeFileSync(join(t.base, "bad.sarif"), '{"version":"2.1.0","runs":[]}');
  expect(await t.foregone("codeql", "store", ...SCAN, "--sarif", join(t.base, "bad.sarif"))).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("no-runs") as string,
  });
  expect((await t.foregone("codeql", "store", ...SCAN, "--sarif", join(t.base, "none.sarif"))).code).toBe(1);
});

test("an input that changed between check and store is refused", async () => {
  const t = new Terminal();
  await t.foregone("codeql", "check", ...SCAN);
  const sarif = t.codeql();
  t.write("yarn/src/app.ts", "// changed while scanning\n".repeat(300));
  expect(await t.foregone("codeql", "store", ...SCAN, "--sarif", sarif)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("input-modified") as string,
  });
});

test("a scan that finds something else under an equal key is a false skip: named, and the family disowned", async () => {
  const t = new Terminal();
  await t.scanned();
  const log = JSON.parse(readFileSync(RECORDED, "utf8")) as Log;
  log.runs[0]!.results = [];
  writeFileSync(join(t.base, "other.sarif"), JSON.stringify(log));
  const stored = await t.foregone("codeql", "store", ...SCAN, "--sarif", join(t.base, "other.sarif"));
  expect(stored).toMatchObject({ code: 1, stdout: expect.stringContaining("FALSE SKIP: 0 new, 1 absent") as string });
  const replayed = await t.foregone("codeql", "replay", ...SCAN);
  expect((JSON.parse(replayed.stdout) as Log).runs[0]?.results).toEqual([]);
});

test("8 checks, stores and replays at once neither fail nor disagree", async () => {
  const t = new Terminal();
  await t.scanned();
  const sarif = t.codeql();
  const all = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const stored = i % 2 === 0 ? await t.foregone("codeql", "store", ...SCAN, "--sarif", sarif) : { code: 0 };
      expect(stored.code).toBe(0);
      return t.foregone("codeql", "replay", ...SCAN);
    }),
  );
  const logs = all.map(({ stdout }) => canonicalSarif(JSON.parse(stdout) as Log));
  expect(new Set(logs).size).toBe(1);
  expect(all.every(({ code }) => code === 0)).toBe(true);
});

test("without a codeql on the PATH, without git, without a language: a scan with the reason and a hint", async () => {
  const t = new Terminal();
  t.env = { ...t.env, PATH: "/usr/bin:/bin" };
  expect(await t.foregone("codeql", "check", ...SCAN)).toMatchObject({
    code: 3,
    stdout: expect.stringContaining("no codeql on the PATH") as string,
  });
  expect((await t.foregone("codeql", "check")).stdout).toContain("hint: one language a job");
  const nowhere = await runCli(["codeql", "check", ...SCAN], { cwd: t.base, env: t.env });
  expect(nowhere).toMatchObject({ code: 3, stdout: expect.stringContaining("no git checkout") as string });
});

test("each codeql setting changes what is decided or stored", async () => {
  const t = new Terminal();
  await t.scanned();
  const { env } = t;
  const check = async (setting: Record<string, string>): Promise<string> => {
    t.env = { ...env, ...setting };
    return (await t.foregone("codeql", "check", ...SCAN)).stdout.split("\n")[0] ?? "";
  };
  expect(await check({})).toMatch(/^skip/);
  expect(await check({ FOREGONE_CODEQL_ENABLED: "false" })).toContain("codeql.enabled: false");
  expect(await check({ FOREGONE_CODEQL_CACHE_TTL: "0" })).toContain("cache-ttl 0");
  expect(await check({ FOREGONE_CODEQL_AUDIT: "1" })).toContain("drawn 1 in 1");
  expect(await check({ FOREGONE_CODEQL_INERT_EXTRA: ".lock" })).toContain("interpret inertExtra");
  expect(await check({ FOREGONE_CODEQL_TIER: "exact" })).toMatch(/^run/);
  t.env = { ...env, FOREGONE_CODEQL_MAX_SARIF: "1KiB" };
  const stored = await t.foregone("codeql", "store", ...SCAN, "--sarif", RECORDED);
  expect(stored).toMatchObject({ code: 1, stdout: expect.stringContaining("over-limit") as string });
  t.env = { ...env, FOREGONE_CODEQL_ENABLED: "false" };
  expect((await t.foregone("codeql", "store", ...SCAN, "--sarif", RECORDED)).stdout).toContain("disabled");
  const floating = ["--packs", "acme/floating"];
  t.env = env;
  await t.foregone("codeql", "store", ...SCAN, ...floating, "--sarif", RECORDED);
  expect((await t.foregone("codeql", "check", ...SCAN, ...floating)).code).toBe(3);
  t.env = { ...env, FOREGONE_CODEQL_ACCEPT: "unresolved" };
  expect((await t.foregone("codeql", "check", ...SCAN, ...floating)).code).toBe(0);
});
