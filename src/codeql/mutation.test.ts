// Every component of the key and every kind of change to the source, flipped alone: a scan, with the part named. What is no
// input, changed alone: a hit.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ScanLab } from "../testing/scan-lab.ts";
import type { CodeqlInputs } from "./codeql-key.ts";
import type { ScanDecision } from "./decide-scan.ts";

const TREE = {
  "a.js": "const a = 1;\nconst b = 2;\n",
  "lib/b.js": "module.exports = 1;\n",
  "README.md": "# demo\n",
  "docs/logo.png": "png",
  LICENSE: "MIT",
  "requirements.txt": "x==1\n",
  "package.json": '{"name":"demo"}\n',
  "ignored/skip.js": "1;\n",
  ".github/codeql/config.yml": "paths-ignore: [ignored]\nqueries: [{uses: ./ql}]\n",
  ".github/codeql/extensions/m.yml": "extensions: []\n",
  "ql/q.ql": "select 1\n",
  "ql/qlpack.yml": "name: q\n",
};
const INPUTS: Partial<CodeqlInputs> = {
  configFile: ".github/codeql/config.yml",
  packs: "+acme/pack@1.2.3",
  interpret: { maxPaths: 4, extraOptions: "" },
};

async function scanned(inputs: Partial<CodeqlInputs> = INPUTS): Promise<ScanLab> {
  const lab = new ScanLab();
  lab.commit(TREE);
  await lab.scan(inputs);
  expect((await lab.decide(inputs)).kind).toBe("hit");
  return lab;
}

/** "component.member: was -> now" of each change, and changed files. */
function named(decision: ScanDecision): string[] {
  if (decision.kind === "hit") return ["hit"];
  const { explanation } = decision;
  return [
    ...(explanation?.components ?? []).map(({ component, member }) => `${component}.${member}`),
    ...(explanation?.files ?? []).map(({ path }) => `source ${path}`),
  ];
}

const env =
  (name: string, value: string) =>
  (lab: ScanLab): void =>
    void (lab.env = { ...lab.env, [name]: value });

const COMPONENTS: readonly (readonly [string, Partial<CodeqlInputs>, ((lab: ScanLab) => void) | undefined, string])[] =
  [
    ["another version of CodeQL", { tools: "codeql@2.25.7" }, undefined, "tool.version"],
    [
      "another bundle of one version",
      { tools: "https://example.org/releases/codeql-bundle-v2.25.6/codeql-bundle-linux64.tar.gz" },
      undefined,
      "tool.bundle",
    ],
    ["another operating system", {}, (lab) => (lab.machine = { os: "darwin", arch: "x64" }), "platform.os"],
    ["another architecture", {}, (lab) => (lab.machine = { os: "linux", arch: "arm64" }), "platform.arch"],
    ["another runner image", {}, env("ImageOS", "ubuntu26"), "platform.image"],
    ["another build mode", { buildMode: "" }, undefined, "language.buildMode"],
    ["another source root", { sourceRoot: "lib" }, undefined, "language.sourceRoot"],
    ["other analysis kinds", { kinds: "code-quality" }, undefined, "language.kinds"],
    ["an inline configuration", { config: "disable-default-queries: true" }, undefined, "config.effective"],
    ["another query suite", { queries: "security-extended" }, undefined, "config.queries"],
    ["a query suite added", { queries: "+security-extended" }, undefined, "config.queries"],
    ["another pack version", { packs: "+acme/pack@1.2.4" }, undefined, "packs.acme/pack"],
    ["another pack", { packs: "+acme/pack@1.2.3,acme/more@2.0.0" }, undefined, "packs.acme/more"],
    [
      "other options of interpretation",
      { interpret: { maxPaths: 8, extraOptions: "" } },
      undefined,
      "interpret.maxPaths",
    ],
    ["more inert files", { inertExtra: [".snap"] }, undefined, "interpret.inertExtra"],
    [
      "a CODEQL variable",
      {},
      env("CODEQL_EXTRACTOR_JAVASCRIPT_OPTION_X", "1"),
      "env.CODEQL_EXTRACTOR_JAVASCRIPT_OPTION_X",
    ],
    ["a variable of the language", {}, env("NODE_OPTIONS", "--x"), "env.NODE_OPTIONS"],
  ];

test.each(COMPONENTS)("%s is a scan, and is named", async (_, change, prepare, name) => {
  const lab = await scanned();
  prepare?.(lab);
  expect(named(await lab.decide({ ...INPUTS, ...change }))).toContain(name);
});

test.each([
  ["a query file of the repository", { "ql/q.ql": "select 2\n" }, "packs../ql/q.ql"],
  ["a new query file", { "ql/more.qll": "1\n" }, "packs../ql/more.qll"],
  [
    "a model extension",
    { ".github/codeql/extensions/m.yml": "extensions: [1]\n" },
    "models..github/codeql/extensions/m.yml",
  ],
  ["a new model extension", { ".github/codeql/extensions/n.yml": "x: 1\n" }, "models..github/codeql/extensions/n.yml"],
  ["the configuration file", { ".github/codeql/config.yml": "queries: [{uses: ./ql}]\n" }, "config.effective"],
  ["a source file", { "a.js": "const a = 2;\nconst b = 2;\n" }, "source a.js"],
  ["a new source file", { "c.js": "1;\n" }, "source c.js"],
  ["a .txt file", { "requirements.txt": "x==2\n" }, "source requirements.txt"],
  ["a file of unknown kind", { "data.bin": "x" }, "source data.bin"],
  ["package.json", { "package.json": "{}\n" }, "source package.json"],
])("%s changed alone is a scan, and is named", async (_, files, name) => {
  const lab = await scanned();
  lab.commit(files);
  expect(named(await lab.decide(INPUTS))).toContain(name);
});

test.each([
  ["another language", { language: "python" }],
  ["another repository", { repository: "acme/other" }],
] as const)("%s is another scan: it has no record, and none to be compared with", async (_, change) => {
  const lab = await scanned();
  expect(await lab.decide({ ...INPUTS, ...change })).toMatchObject({
    kind: "scan",
    misses: [{ kind: "no-record" }],
    explanation: undefined,
  });
});

const TREE_CHANGES: readonly (readonly [string, (lab: ScanLab) => void, string])[] = [
  ["a file removed", (lab) => lab.remove("lib/b.js"), "source lib/b.js"],
  ["a file renamed", (lab) => void lab.git("mv", "lib/b.js", "lib/c.js"), "source lib/c.js"],
  ["a name in another case", (lab) => void lab.git("mv", "lib/b.js", "lib/B.js"), "source lib/B.js"],
  ["an execute bit", (lab) => lab.chmod("a.js", 0o755), "source a.js"],
  ["a file become a link", (lab) => (lab.remove("a.js"), lab.link("lib/b.js", "a.js")), "source a.js"],
  ["an attribute file", (lab) => lab.write(".gitattributes", "*.js eol=crlf\n"), "source .gitattributes"],
];

test.each(TREE_CHANGES)("%s is a scan, committed or not", async (_, change, name) => {
  const lab = await scanned();
  change(lab);
  expect(named(await lab.decide(INPUTS))).toContain(name);
  lab.commit();
  expect(named(await lab.decide(INPUTS))).toContain(name);
});

const HIDDEN: readonly (readonly [string, (lab: ScanLab) => void, string])[] = [
  ["an uncommitted edit", (lab) => lab.write("a.js", "other\nx\n"), "source a.js"],
  ["an untracked file", (lab) => lab.write("new.js", "1"), "source new.js"],
  ["an untracked file in an untracked folder", (lab) => lab.write("deep/er/new.js", "1"), "source deep/er/new.js"],
  [
    "an edit that git was told to overlook",
    (lab) => (lab.git("update-index", "--assume-unchanged", "a.js"), lab.write("a.js", "other\nx\n")),
    "source a.js",
  ],
  [
    "a file that git was told to skip",
    (lab) => (lab.git("update-index", "--skip-worktree", "a.js"), lab.remove("a.js")),
    "source a.js",
  ],
  [
    "an ignored file of a build",
    (lab) => (lab.write(".git/info/exclude", "gen\n"), lab.write("gen/deep/g.js", "1")),
    "source gen/deep/g.js",
  ],
];

test.each(HIDDEN)("%s is a scan, and is named", async (_, change, name) => {
  const lab = await scanned();
  change(lab);
  const decision = await lab.decide(INPUTS);
  expect(named(decision)).toContain(name);
  expect(decision.kind === "scan" && decision.misses[0].kind).toBe("changed");
});

const INERT: readonly (readonly [string, (lab: ScanLab) => void])[] = [
  ["prose", (lab) => void lab.commit({ "README.md": "# more\n", "docs/x.rst": "x" })],
  ["an image, a licence", (lab) => void lab.commit({ "docs/logo.png": "other", LICENSE: "BSD" })],
  ["a file under paths-ignore", (lab) => void lab.commit({ "ignored/skip.js": "2;\n" })],
  ["an empty commit", (lab) => void lab.commit()],
  ["another branch", (lab) => void lab.git("checkout", "-q", "-b", "topic")],
  [
    "an amended commit: other author, date, message",
    (lab) => void lab.git("commit", "-q", "--amend", "--author=b <b@example.org>", "-m", "other"),
  ],
  ["a revert", (lab) => (lab.commit({ "a.js": "other\n" }), void lab.git("revert", "--no-edit", "HEAD"))],
  ["RAM and threads", env("CODEQL_RAM", "4096")],
  ["threads", env("CODEQL_THREADS", "8")],
  ["a token", env("CODEQL_REGISTRIES_AUTH", "secret")],
  ["a variable nobody reads", env("GITHUB_RUN_ID", "9")],
];

test.each(INERT)("%s alone is a hit", async (_, change) => {
  const lab = await scanned();
  change(lab);
  expect(named(await lab.decide(INPUTS))).toEqual(["hit"]);
});

test("a name that is no UTF-8 is compared by git, and where git does not vouch for it, nobody does", async () => {
  const lab = await scanned();
  const path = Buffer.from(`${lab.folder}/\xff.js`, "latin1");
  writeFileSync(path, "1");
  await expect(lab.key(INPUTS)).rejects.toThrow("is no UTF-8");
  lab.commit();
  expect(named(await lab.decide(INPUTS))).toEqual(["source \xff.js"]);
  lab.write(".git/info/exclude", "gen\n");
  mkdirSync(join(lab.folder, "gen"));
  writeFileSync(Buffer.from(`${lab.folder}/gen/\xff.js`, "latin1"), "1");
  await expect(lab.key(INPUTS)).rejects.toThrow("is no UTF-8");
});

test("a merge and a rebase that give the same tree are hits", async () => {
  const lab = await scanned();
  lab.git("checkout", "-q", "-b", "topic");
  lab.commit({ "a.js": "topic\n1\n" });
  await lab.scan(INPUTS);
  lab.git("checkout", "-q", "main");
  lab.commit({ "README.md": "moved on\n" });
  lab.git("merge", "-q", "--no-edit", "topic");
  expect(named(await lab.decide(INPUTS))).toEqual(["hit"]);
  lab.git("reset", "-q", "--hard", "HEAD^");
  lab.git("checkout", "-q", "topic");
  lab.git("rebase", "-q", "main");
  expect(named(await lab.decide(INPUTS))).toEqual(["hit"]);
});

test("installed dependencies come and go: a scan; what is in them is the lock file's matter", async () => {
  const lab = new ScanLab();
  lab.commit({ ...TREE, ".gitignore": "node_modules\n" });
  await lab.scan(INPUTS);
  lab.write("node_modules/x/index.js", "1");
  expect((await lab.decide(INPUTS)).kind).toBe("scan");
  await lab.scan(INPUTS);
  lab.write("node_modules/x/other.js", "2");
  expect(named(await lab.decide(INPUTS))).toEqual(["hit"]);
});

test("under the exact tier prose is a scan too, and a record of the relevant tier does not serve", async () => {
  const lab = await scanned();
  lab.commit({ "README.md": "# more\n" });
  expect((await lab.decide({ ...INPUTS, tier: "exact" })).kind).toBe("scan");
  lab.git("checkout", "-q", "HEAD^");
  await lab.scan({ ...INPUTS, tier: "exact" });
  expect((await lab.decide({ ...INPUTS, tier: "exact" })).kind).toBe("hit");
});

test("a built language is exact, and its dependencies, definition and toolchain are named parts", async () => {
  const lab = new ScanLab();
  const java: Partial<CodeqlInputs> = { language: "kotlin", buildMode: "autobuild", definition: { steps: ["build"] } };
  lab.commit({ ...TREE, "pom.xml": "<a/>" });
  mkdirSync(join(lab.folder, "../jdk"));
  writeFileSync(join(lab.folder, "../jdk/release"), "21.0.1");
  lab.env = { ...lab.env, JAVA_HOME: join(lab.folder, "../jdk") };
  await lab.scan(java);
  expect((await lab.decide(java)).kind).toBe("hit");
  expect((await lab.decide({ ...java, language: "java-kotlin" })).kind).toBe("hit");
  expect(named(await lab.decide({ ...java, definition: { steps: ["other"] } }))).toContain("build.definition");
  writeFileSync(join(lab.folder, "../jdk/release"), "21.0.2");
  const moved = await lab.decide(java);
  expect(moved).toMatchObject({
    kind: "scan",
    misses: [{ kind: "changed", question: { key: "codeql dependencies" } }],
  });
  writeFileSync(join(lab.folder, "../jdk/release"), "21.0.1");
  lab.commit({ "README.md": "x" });
  expect((await lab.decide(java)).kind).toBe("scan");
});

test.each([
  [{ tools: "" }, "tool: not pinned"],
  [{ tools: "nightly" }, "tool: nightly"],
  [{ tools: "linked" }, "tool: `linked` needs"],
  [{ tools: "https://example.org/x.tar.gz" }, "tool: the bundle"],
  [{ tools: "missing.tar.gz" }, "tool: the archive"],
  [{ language: "" }, "language: not given"],
  [{ language: "python,go" }, "language: several"],
  [{ language: "cobol" }, 'language: "cobol"'],
  [{ language: "go", buildMode: "" as const }, "build: the job is not known"],
  [{ configFile: "missing.yml" }, "config: no configuration file"],
  [{ config: "a: [" }, "config: the configuration (inline) is no YAML"],
])("%j cannot be answered for, and the scan runs", async (change, why) => {
  const lab = new ScanLab();
  lab.commit(TREE);
  await expect(lab.key(change)).rejects.toThrow(why);
});

test("floating packs, queries and configurations are gaps: stored, never served, unless accepted by name", async () => {
  for (const inputs of [
    { packs: "acme/floating" },
    { packs: "acme/floating@~1.2" },
    { queries: "other/repo/ql@main" },
    { configFile: "other/repo/config.yml@main" },
  ]) {
    const lab = new ScanLab();
    lab.commit(TREE);
    await lab.scan(inputs);
    expect(await lab.decide(inputs)).toMatchObject({
      kind: "scan",
      misses: [{ kind: "gap", gap: { kind: "unresolved" } }],
    });
    lab.options = { ...lab.options, accept: ["unresolved"] };
    expect((await lab.decide(inputs)).kind).toBe("hit");
  }
});
