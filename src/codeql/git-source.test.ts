// What git does not say by itself: submodules, filters, other object formats, conversions.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { codeqlLog, ScanLab } from "../testing/scan-lab.ts";
import { ignoreTest } from "./path-patterns.ts";

const decided = async (lab: ScanLab): Promise<string> => {
  const decision = await lab.decide();
  return decision.kind === "hit" ? "hit" : (decision.explanation?.files ?? []).map(({ path }) => path).join(" ");
};

function withSubmodule(): { lab: ScanLab; inner: (...args: string[]) => string; folder: string } {
  const lab = new ScanLab();
  const folder = join(lab.folder, "../inner");
  mkdirSync(folder);
  const inner = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: folder,
      encoding: "utf8",
    }).trim();
  inner("init", "-q");
  writeFileSync(join(folder, "i.js"), "1\n");
  inner("add", "-A");
  inner("commit", "-qm", "1");
  lab.commit({ "a.js": "1\n2\n" });
  lab.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", folder, "sub");
  lab.commit();
  return { lab, inner, folder };
}

test("a submodule counts by its commit: bumped it is a scan, with changes of its own nobody answers for it", async () => {
  const { lab } = withSubmodule();
  await lab.scan();
  expect(await decided(lab)).toBe("hit");
  lab.write("sub/i.js", "changed\n");
  await expect(lab.key()).rejects.toThrow("submodule sub has changes of its own");
  const sub = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: join(lab.folder, "sub"),
      encoding: "utf8",
    });
  sub("commit", "-qam", "2");
  expect(await decided(lab)).toBe("sub");
  lab.commit();
  expect(await decided(lab)).toBe("sub");
  lab.write("sub/new.js", "untracked\n");
  await expect(lab.key()).rejects.toThrow("changes of its own");
});

test("a file behind a filter counts by the bytes that are there: a pointer is not its content", async () => {
  const lab = new ScanLab();
  // What checkout without LFS leaves: a pointer, and git finds nothing to complain about.
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
  lab.git("config", "filter.lfs.clean", "cat");
  lab.commit({ ".gitattributes": "*.bin filter=lfs\n", "big.bin": pointer, "a.js": "1\n2\n" });
  await lab.scan();
  expect(await decided(lab)).toBe("hit");
  // The same commit with the content: git knows of no difference once its index is told so.
  lab.git("config", "filter.lfs.clean", `printf '${pointer.replaceAll("\n", "\\n")}'`);
  lab.write("big.bin", "content of it");
  lab.git("add", "big.bin");
  expect(lab.git("status", "--porcelain")).toBe("");
  expect(await decided(lab)).toBe("big.bin");
});

test("settings that turn blobs into other files are part of the source", async () => {
  const lab = new ScanLab();
  lab.commit({ "a.js": "1\n2\n" });
  await lab.scan();
  lab.git("config", "core.autocrlf", "true");
  expect((await lab.decide()).kind).toBe("scan");
  lab.git("config", "--unset", "core.autocrlf");
  expect((await lab.decide()).kind).toBe("hit");
  lab.write(".git/info/attributes", "*.js eol=crlf\n");
  expect((await lab.decide()).kind).toBe("scan");
});

test("a link out of the checkout is a gap: git compares where it leads, nobody what is there", async () => {
  const lab = new ScanLab();
  lab.commit({ "a.js": "1\n2\n", "lib/b.js": "1\n" });
  lab.link("../a.js", "lib/inside.js");
  lab.link(join(lab.folder, "a.js"), "absolute.js");
  lab.commit();
  expect((await lab.key()).key.gaps).toEqual([]);
  lab.link("../../outside.js", "lib/out.js");
  lab.link("/etc/hosts", "hosts.js");
  lab.commit();
  const refs = (await lab.key()).key.gaps.map((gap) => (gap.kind === "unresolved" ? gap.ref : ""));
  expect(refs.sort()).toEqual(["hosts.js, a link out of the checkout", "lib/out.js, a link out of the checkout"]);
});

test("a repository with SHA-256 objects works", async () => {
  const lab = new ScanLab();
  lab.remove(".git");
  lab.git("init", "-q", "-b", "main", "--object-format=sha256");
  lab.commit({ "a.js": "1\n2\n" });
  await lab.scan();
  lab.commit({ "README.md": "x" });
  expect(await decided(lab)).toBe("hit");
  lab.commit({ "a.js": "2\n3\n" });
  expect(await decided(lab)).toBe("a.js");
});

test("what was scanned before it was committed serves the commit", async () => {
  const lab = new ScanLab();
  lab.commit({ "a.js": "1\n2\n" });
  lab.write("a.js", "2\n3\n");
  await lab.scan();
  lab.commit();
  expect(await decided(lab)).toBe("hit");
});

test("a worktree, a clone and a shallow clone are the same source", async () => {
  const lab = new ScanLab();
  lab.commit({ "a.js": "1\n2\n", "lib/b.js": "2\n" });
  await lab.scan();
  for (const args of [[], ["--depth", "1"]]) {
    const clone = new ScanLab(lab);
    clone.remove(".git");
    execFileSync("git", ["clone", "-q", ...args, `file://${lab.folder}`, clone.folder]);
    clone.clock.ms = lab.clock.ms;
    expect((await clone.decide()).kind, args.join(" ")).toBe("hit");
  }
});

test("results of a scan that lie in the checkout do not make the next one", async () => {
  const lab = new ScanLab();
  lab.commit({ "a.js": "1\n2\n" });
  const before = await lab.key();
  lab.write("results.sarif", codeqlLog().toString());
  expect(await lab.admit(codeqlLog(), before)).toMatchObject({ kind: "admitted", tier: "relevant" });
  await lab.scan();
  lab.write("results.sarif", "other");
  expect(await decided(lab)).toBe("hit");
});

test.each([
  ["src/node_modules", ["src/node_modules/x.js", "src/node_modules"], ["src/node_modules2/x.js", "node_modules/x.js"]],
  ["./vendor/", ["vendor/a/b.js"], ["src/vendor/a.js"]],
  ["**/*.test.js", ["a.test.js", "x/y/a.test.js"], ["a.test.jsx", "atest.js"]],
  ["lib/**", ["lib/a", "lib/a/b"], ["lib", "library/a"]],
  ["**/gen/**", ["gen/a", "x/gen/a/b"], ["gene/a"]],
  ["a/*/c", ["a/b/c", "a/b/c/d"], ["a/c", "a/b/x/c"]],
  ["a.b", ["a.b", "a.b/c"], ["axb"]],
])("paths-ignore %s excludes these files and no others", (pattern, excluded, kept) => {
  const test = ignoreTest(pattern);
  for (const path of excluded) expect(test?.(path), path).toBe(true);
  for (const path of kept) expect(test?.(path), path).toBe(false);
});

test.each(["", "/", "**", "a?c", "[ab]/x", "!src", "a**b", "{a,b}", "a\\b"])(
  "paths-ignore %j is not certain, so it excludes nothing",
  (pattern) => {
    expect(ignoreTest(pattern)).toBeUndefined();
  },
);
