// Other producers: every part of their key changed alone, and every thing a preset does not know.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ScanLab } from "../testing/scan-lab.ts";
import { type Components, componentChanges } from "./component.ts";
import { readGitSource } from "./git-source.ts";
import { presetKey, withoutFile } from "./preset-key.ts";
import { presetFor, presetNamed, PRESETS } from "./presets.ts";
import type { ScanKey } from "./scan-key.ts";

interface Setup {
  readonly lab: ScanLab;
  readonly program: string;
}

/** A repository, and beside it a tool that tells a version. */
function setup(name: string): Setup {
  const lab = new ScanLab();
  lab.commit({
    "a.js": "1\n",
    "a.c": "int a;\n",
    "README.md": "x",
    "logo.png": "x",
    "rules/r.yml": "x",
    "package.json": "{}",
  });
  const bin = join(lab.folder, "../tool/node_modules/.bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "../.package-lock.json"), "1");
  const program = join(bin, name);
  writeFileSync(program, '#!/bin/sh\ncat "$(dirname "$0")/version"\n');
  writeFileSync(join(bin, "version"), "1.0\n");
  chmodSync(program, 0o755);
  return { lab, program };
}

async function keyOf(
  { lab, program }: Setup,
  name: string,
  args: readonly string[] = [],
  sarif?: string,
): Promise<ScanKey> {
  const preset = presetNamed(name);
  const git = await readGitSource(lab.folder, lab.env, lab.ports);
  if (preset === undefined || "why" in git) throw new Error("no preset or git");
  const inputs = {
    preset,
    argv: [program, ...args],
    program,
    cwd: lab.folder,
    inertExtra: [],
    repository: "acme/demo",
  };
  const result = presetKey(inputs, withoutFile(git, sarif), lab.ports);
  if (result.kind === "key") return result.key;
  throw new Error(result.unanswered[0].why);
}

const changed = (was: Components, now: Components): string[] =>
  componentChanges(was, now).map(({ component, member }) => `${component}.${member}`);

test("the version, the command line, the environment and files outside the checkout are named parts of the key", async () => {
  const it = setup("semgrep");
  const outside = join(it.lab.folder, "../rules.yml");
  writeFileSync(outside, "1");
  const base = await keyOf(it, "semgrep", ["--config", outside]);
  writeFileSync(join(it.program, "../version"), "1.1\n");
  expect(changed(base.components, (await keyOf(it, "semgrep", ["--config", outside])).components)).toEqual([
    "tool.version",
  ]);
  writeFileSync(join(it.program, "../version"), "1.0\n");
  writeFileSync(outside, "2");
  expect(changed(base.components, (await keyOf(it, "semgrep", ["--config", outside])).components)).toEqual([
    `config.${outside}`,
  ]);
  writeFileSync(outside, "1");
  expect(changed(base.components, (await keyOf(it, "semgrep", ["--config", outside, "-x"])).components)).toEqual([
    "config.argv",
  ]);
  it.lab.env = { ...it.lab.env, SEMGREP_RULES: "1", SEMGREP_APP_TOKEN: "secret" };
  expect(changed(base.components, (await keyOf(it, "semgrep", ["--config", outside])).components)).toEqual([
    "env.SEMGREP_RULES",
  ]);
  expect(JSON.stringify(await keyOf(it, "semgrep", []))).not.toContain("secret");
});

test("packages installed beside an npm tool are part of its key", async () => {
  const it = setup("eslint");
  const base = await keyOf(it, "eslint");
  writeFileSync(join(it.program, "../../.package-lock.json"), "2");
  expect(changed(base.components, (await keyOf(it, "eslint")).components)).toEqual(["tool.packages"]);
});

test("a configuration above the checkout counts, since the tool finds it there", async () => {
  const it = setup("eslint");
  const base = await keyOf(it, "eslint");
  const above = join(it.lab.folder, "../eslint.config.mjs");
  writeFileSync(above, "export default [];");
  expect(changed(base.components, (await keyOf(it, "eslint")).components)).toEqual([`config.${above}`]);
});

test("the same command in another checkout has the same key", async () => {
  const [one, two] = [setup("eslint"), setup("eslint")];
  const key = (it: Setup): Promise<ScanKey> =>
    keyOf({ ...it, program: one.program }, "eslint", ["-o", join(it.lab.folder, "out.sarif"), it.lab.folder]);
  const [here, there] = [await key(one), await key(two)];
  expect(there.weak).toBe(here.weak);
  expect(there.source.relevant).toBe(here.source.relevant);
});

test.each([
  ["eslint", { "README.md": "y" }, true],
  ["eslint", { "logo.png": "y" }, true],
  ["eslint", { "a.c": "y" }, false],
  ["flawfinder", { "README.md": "y", "a.js": "2" }, true],
  ["flawfinder", { "a.c": "y" }, false],
  ["jscpd", { "logo.png": "y" }, true],
  ["jscpd", { "README.md": "y" }, false],
  ["semgrep", { "rules/r.yml": "y" }, false],
])("%s and a change of %j: equal source is %s", async (name, files, equal) => {
  const it = setup(name);
  const before = (await keyOf(it, name)).source.relevant;
  it.lab.commit(files);
  expect((await keyOf(it, name)).source.relevant === before).toBe(equal);
});

test("prose counts for ESLint where a plugin reads it, and a file named to flawfinder is read whatever its suffix", async () => {
  const it = setup("eslint");
  it.lab.commit({ "package.json": '{"devDependencies":{"@eslint/markdown":"1"}}' });
  const before = (await keyOf(it, "eslint")).source.relevant;
  it.lab.commit({ "README.md": "y" });
  expect((await keyOf(it, "eslint")).source.relevant).not.toBe(before);
  const named = (await keyOf(it, "flawfinder", ["README.md"])).source.relevant;
  it.lab.commit({ "README.md": "z" });
  expect((await keyOf(it, "flawfinder", ["README.md"])).source.relevant).not.toBe(named);
});

test("moving rules, unknown databases, partial scans and scripts nobody knows are gaps", async () => {
  const gaps = async (name: string, args: readonly string[] = []): Promise<unknown> =>
    (await keyOf(setup(name), name, args)).gaps;
  expect(await gaps("semgrep", ["--config", "p/ci"])).toEqual([{ kind: "unresolved", ref: "rules p/ci" }]);
  expect(await gaps("semgrep", ["--config", "rules/r.yml"])).toEqual([]);
  expect(await gaps("semgrep", ["--baseline-commit=abc"])).toEqual([
    { kind: "partial-run", what: "--baseline-commit=abc" },
  ]);
  expect(await gaps("trivy")).toEqual([{ kind: "unresolved", ref: "database of trivy" }]);
  expect(await gaps("osv-scanner")).toEqual([{ kind: "unresolved", ref: "the OSV database, asked online" }]);
  expect(await gaps("sarif")).toEqual([{ kind: "unresolved", ref: "interpreter and libraries of sarif" }]);
  expect(await gaps("flawfinder", ["/usr/include"])).toEqual([
    { kind: "unresolved", ref: "/usr/include, outside the checkout" },
  ]);
});

test("a dated database is part of the key", async () => {
  const it = setup("trivy");
  const cache = join(it.lab.folder, "../cache");
  mkdirSync(join(cache, "db"), { recursive: true });
  writeFileSync(join(cache, "db/metadata.json"), '{"UpdatedAt":"1"}');
  it.lab.env = { ...it.lab.env, TRIVY_CACHE_DIR: cache };
  const base = await keyOf(it, "trivy");
  expect(base.gaps).toEqual([]);
  writeFileSync(join(cache, "db/metadata.json"), '{"UpdatedAt":"2"}');
  expect(changed(base.components, (await keyOf(it, "trivy")).components)).toEqual(["packs.database"]);
});

test("the file a tool writes its result to is no input", async () => {
  const it = setup("eslint");
  const file = join(it.lab.folder, "out.sarif");
  const before = await keyOf(it, "eslint", [], file);
  it.lab.write("out.sarif", "1");
  const after = await keyOf(it, "eslint", [], file);
  expect([after.source.exact, after.source.relevant]).toEqual([before.source.exact, before.source.relevant]);
});

test("each preset has a name of its own and is found by its command", () => {
  expect(new Set(PRESETS.map(({ name }) => name)).size).toBe(PRESETS.length);
  for (const preset of PRESETS) for (const command of preset.commands) expect(presetFor(command)).toBe(preset);
});
