// Real producers, unmodified: what is replayed for a commit without a relevant change equals a fresh scan of that commit, and
// Microsoft's validator finds nothing in it that it does not find in the fresh one.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Log } from "sarif";
import { beforeAll, expect, test } from "vitest";
import { canonicalSarif } from "../src/codeql/sarif/canonical.ts";
import { normalise } from "../src/codeql/sarif/normalise.ts";
import { readSarif } from "../src/codeql/sarif/read.ts";
import { runCli } from "../src/testing/cli.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

const MODULES = resolve("node_modules");
const MULTITOOL = join(MODULES, "@microsoft/sarif-multitool-linux/Sarif.Multitool");

const SOURCE = `const fs = require("fs");
function run(input) {
  eval(input);
  return fs.readFileSync(input);
}
function one(list) {
  const out = [];
  for (const item of list) {
    if (item.enabled) out.push(item.name + ":" + item.value);
  }
  return out.join(",");
}
module.exports = { run, one };
`;
// In pieces, so that no scanner of this repository takes it for a real one.
const SECRET = ["token = ghp", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx\n"].join("_");

const FILES: Readonly<Record<string, string>> = {
  "src/a.js": SOURCE,
  "src/b.js": SOURCE.replace("run", "exec"),
  "src/copy.c": "#include <string.h>\nint main(int c, char **v) {\n  char b[4];\n  strcpy(b, v[1]);\n  return 0;\n}\n",
  "conf.txt": SECRET,
  ".secretlintrc.json": '{"rules":[{"id":"@secretlint/secretlint-rule-preset-recommend"}]}',
  "eslint.config.mjs": `import security from ${JSON.stringify(join(MODULES, "eslint-plugin-security/index.js"))};\nexport default [security.configs.recommended];\n`,
  ".gitignore": "out/\n",
  "README.md": "# demo\n",
};

interface Producer {
  readonly name: string;
  readonly argv: readonly string[];
  /** Workspace-relative; undefined: stdout. */
  readonly sarif: string | undefined;
  /** Serves other trees too: images may change. */
  readonly relevant: boolean;
  /** Changed, it must scan; and is named. */
  readonly input: string;
  readonly findings: number;
}

const bin = (name: string): string => join(MODULES, ".bin", name);
const PRODUCERS: readonly Producer[] = [
  {
    name: "eslint",
    argv: [
      bin("eslint"),
      "-f",
      join(MODULES, "@microsoft/eslint-formatter-sarif/sarif.js"),
      "-o",
      "out/eslint.sarif",
      ".",
    ],
    sarif: "out/eslint.sarif",
    relevant: true,
    input: "src/a.js",
    findings: 4,
  },
  {
    name: "jscpd",
    argv: [bin("jscpd"), "--reporters", "sarif", "--output", "out", "--min-lines", "4", "--min-tokens", "20", "src"],
    sarif: "out/jscpd-sarif.json",
    relevant: true,
    input: "src/a.js",
    findings: 1,
  },
  {
    name: "secretlint",
    argv: [
      bin("secretlint"),
      "--format",
      "@secretlint/secretlint-formatter-sarif",
      "--output",
      "out/secretlint.sarif",
      "**/*",
    ],
    sarif: "out/secretlint.sarif",
    relevant: false,
    input: "conf.txt",
    findings: 1,
  },
  {
    name: "flawfinder",
    argv: ["flawfinder", "--sarif", "--quiet", "src"],
    sarif: undefined,
    relevant: true,
    input: "src/copy.c",
    findings: 2,
  },
];

const available = (name: string): boolean => spawnSync(name, ["--version"]).status === 0;

beforeAll(() => {
  // npm does not run its install script, which does this.
  if (existsSync(MULTITOOL)) chmodSync(MULTITOOL, 0o755);
});

class Repository {
  readonly folder = join(temporaryFolder(), "repo");
  readonly env = {
    PATH: process.env["PATH"] ?? "",
    HOME: "/nonexistent",
    FOREGONE_CACHE_DIR: join(this.folder, "../store"),
    FOREGONE_CODEQL_AUDIT: "0",
  };

  constructor() {
    mkdirSync(join(this.folder, "out"), { recursive: true });
    this.git("init", "-q", "-b", "main");
    for (const [path, text] of Object.entries(FILES)) this.write(path, text);
    this.commit();
  }

  git(...args: string[]): string {
    const who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    return execFileSync("git", [...who, ...args], { cwd: this.folder, encoding: "utf8" }).trim();
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

  /** Through Foregone. */
  async scan({ argv, sarif }: Producer): Promise<{ code: number; said: string; log: Log }> {
    const { code, stdout, stderr } = await runCli(["sarif", "run", "--", ...argv], { cwd: this.folder, env: this.env });
    return {
      code,
      said: stderr,
      log: this.#log(sarif === undefined ? Buffer.from(stdout) : readFileSync(join(this.folder, sarif))),
    };
  }

  /** Without. */
  fresh({ argv: [command = "", ...args], sarif }: Producer): { code: number | null; log: Log } {
    if (sarif !== undefined) rmSync(join(this.folder, sarif), { force: true });
    const { stdout, status } = spawnSync(command, args, { cwd: this.folder, env: this.env });
    return { code: status, log: this.#log(sarif === undefined ? stdout : readFileSync(join(this.folder, sarif))) };
  }

  #log(bytes: Uint8Array): Log {
    const read = readSarif(bytes);
    if (read.kind !== "log") throw new Error(read.why);
    return read.log as Log;
  }

  canonical(log: Log): string {
    const copy = structuredClone(log);
    normalise(copy, `${pathToFileURL(this.folder).href}/`);
    return canonicalSarif(copy);
  }
}

test.for(PRODUCERS)("a replay of $name equals a fresh scan, and costs no scan", async (producer, context) => {
  if (producer.name === "flawfinder" && !available("flawfinder"))
    return context.skip("no flawfinder: apt-get install flawfinder");
  const repository = new Repository();
  const first = await repository.scan(producer);
  expect(first.said).toContain("recorded as");
  expect(first.log.runs[0]?.results?.length).toBe(producer.findings);
  if (producer.relevant) repository.write("docs/logo.png", "other");
  const commit = repository.commit();
  const second = await repository.scan(producer);
  expect(second.said).toContain("skip: ");
  expect(second.code).toBe(first.code);
  const fresh = repository.fresh(producer);
  expect(second.code).toBe(fresh.code);
  expect(repository.canonical(second.log)).toBe(repository.canonical(fresh.log));
  expect(second.log.runs[0]?.automationDetails?.id).toBe(`${producer.name}/`);
  expect(second.log.runs[0]?.properties?.["foregone/replay"]).toMatchObject({
    commit: repository.git("rev-parse", "HEAD^"),
  });
  expect(commit).not.toBe(repository.git("rev-parse", "HEAD^"));
  // The audit of the same commit agrees.
  const audited = await runCli(["sarif", "run", "--audit", "1", "--", ...producer.argv], {
    cwd: repository.folder,
    env: repository.env,
  });
  expect(audited.stderr).toContain("audit: same result");
  repository.write(producer.input, `${FILES[producer.input] ?? ""}\n// more\n`);
  const third = await repository.scan(producer);
  expect(third.said).toContain(producer.input);
  expect(third.said).toContain("recorded as");
});

test("a scanner that writes more than its SARIF is not spared: a replay would not make the rest", async () => {
  const repository = new Repository();
  const [eslint] = PRODUCERS;
  if (eslint === undefined) throw new Error("no producer");
  const caching = { ...eslint, argv: [...eslint.argv, "--cache", "--cache-location", "side.cache"] };
  expect((await repository.scan(caching)).said).toContain("side-effect side.cache");
  rmSync(join(repository.folder, "side.cache"));
  expect((await repository.scan(caching)).said).toContain("the recorded run had a gap: side-effect side.cache");
  rmSync(join(repository.folder, "side.cache"));
  const accepted = ["sarif", "run", "--accept", "side-effect", "--", ...caching.argv];
  const { stderr } = await runCli(accepted, { cwd: repository.folder, env: repository.env });
  expect(stderr).toContain("skip: eslint");
});

test("the validator finds nothing in replays that it does not find in fresh scans", async (context) => {
  if (!existsSync(MULTITOOL)) return context.skip("no @microsoft/sarif-multitool-linux on this platform");
  const folder = temporaryFolder();
  const names: string[] = [];
  for (const producer of PRODUCERS) {
    if (producer.name === "flawfinder" && !available("flawfinder")) continue;
    const repository = new Repository();
    await repository.scan(producer);
    const { log, said } = await repository.scan(producer);
    expect(said).toContain("skip: ");
    writeFileSync(join(folder, `${producer.name}.replay.sarif`), JSON.stringify(log));
    writeFileSync(join(folder, `${producer.name}.fresh.sarif`), JSON.stringify(repository.fresh(producer).log));
    names.push(producer.name);
  }
  const found = validatorFindings(
    folder,
    names.flatMap((name) => [`${name}.replay.sarif`, `${name}.fresh.sarif`]),
  );
  expect(found.size).toBeGreaterThan(0);
  for (const name of names) {
    const known = found.get(`${name}.fresh.sarif`);
    expect(
      [...(found.get(`${name}.replay.sarif`) ?? [])].filter((id) => known?.has(id) !== true),
      name,
    ).toEqual([]);
  }
}, 120_000);

/** File name -> rule ids, once each. One start of the tool for all files: it takes a second. */
function validatorFindings(folder: string, files: readonly string[]): Map<string, Set<string>> {
  const report = join(folder, "report.sarif");
  spawnSync(MULTITOOL, [
    "validate",
    ...files.map((f) => join(folder, f)),
    "--rule-kind",
    "Sarif;Ghas",
    "--output",
    report,
  ]);
  const { runs } = JSON.parse(readFileSync(report, "utf8")) as Log;
  const found = new Map<string, Set<string>>();
  for (const { ruleId = "", locations } of runs[0]?.results ?? []) {
    const uri = locations?.[0]?.physicalLocation?.artifactLocation?.uri ?? "";
    const file = uri.slice(uri.lastIndexOf("/") + 1);
    found.set(file, (found.get(file) ?? new Set()).add(ruleId));
  }
  return found;
}
