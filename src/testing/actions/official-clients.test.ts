// GitHub's own clients against the double: what they accept and find proves that it speaks as the services do.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";
import { ActionsDouble, REST_TOKEN, sha1 } from "./double.ts";
import { official, type OfficialResult } from "./official.ts";

const values = (results: readonly OfficialResult[]): unknown[] => results.map((r) => r.value ?? r.error);

test("@actions/cache saves, finds by key and by prefix, and restores", async () => {
  await using double = await new ActionsDouble().start();
  const folder = temporaryFolder();
  mkdirSync(join(folder, "kept"));
  writeFileSync(join(folder, "kept", "a.txt"), "hello");
  const run = double.run({ headSha: sha1("1") });
  const env = double.env(run, ["refs/heads/main"]);
  const saved = await official(env, folder, [
    ["lookupCache", ["kept"], "deps-1", ["deps-"]],
    ["saveCache", ["kept"], "deps-1"],
    ["saveCache", ["kept"], "deps-1"],
    ["lookupCache", ["kept"], "deps-1"],
    ["lookupCache", ["kept"], "deps-2", ["deps-"]],
    ["lookupCache", ["other"], "deps-1"],
  ]);
  // -1: the second one exists already, which the client takes for somebody else's success.
  expect(values(saved.results), saved.log).toEqual([undefined, 1, -1, "deps-1", "deps-1", undefined]);
  rmSync(join(folder, "kept"), { recursive: true });
  const restored = await official(env, folder, [["restoreCache", ["kept"], "deps-1"]]);
  expect(values(restored.results), restored.log).toEqual(["deps-1"]);
  expect(readFileSync(join(folder, "kept", "a.txt"), "utf8")).toBe("hello");
});

test("@actions/cache sees the scopes and rights of its token", async () => {
  await using double = await new ActionsDouble().start();
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.txt"), "hello");
  const run = double.run({ headSha: sha1("1") });
  const pull = double.env(run, ["refs/pull/7/merge", "refs/heads/main"]);
  await official(pull, folder, [["saveCache", ["a.txt"], "k-pull"]]);
  const main = await official(double.env(run, ["refs/heads/main"]), folder, [
    ["lookupCache", ["a.txt"], "k-pull"],
    ["saveCache", ["a.txt"], "k-main"],
  ]);
  expect(values(main.results), main.log).toEqual([undefined, 2]);
  const back = await official(pull, folder, [
    ["lookupCache", ["a.txt"], "k-main"],
    // Its own scope goes first, although the entry of main is newer.
    ["lookupCache", ["a.txt"], "k-x", ["k-"]],
  ]);
  expect(values(back.results), back.log).toEqual(["k-main", "k-pull"]);
  const readOnly = double.env(run, [{ scope: "refs/heads/main", read: true, write: false }]);
  const refused = await official(readOnly, folder, [["saveCache", ["a.txt"], "k-new"]]);
  expect(refused.log).toContain("cache write denied: token is read-only");
});

test("@actions/artifact uploads, lists, finds across runs and downloads; a name is free once a run", async () => {
  await using double = await new ActionsDouble().start();
  const folder = temporaryFolder();
  writeFileSync(join(folder, "record"), "bytes of a record");
  const run = double.run({ headSha: sha1("1") });
  const env = { ...double.env(run, ["refs/heads/main"]), GITHUB_API_URL: double.apiUrl };
  const findBy = { token: REST_TOKEN, workflowRunId: run.id, repositoryOwner: "acme", repositoryName: "shop" };
  const first = await official(env, folder, [
    ["uploadArtifact", "foregone-x", [join(folder, "record")], folder],
    ["uploadArtifact", "foregone-x", [join(folder, "record")], folder],
    ["listArtifacts"],
    ["findArtifact", "foregone-x", findBy],
    ["idToken", "foregone"],
  ]);
  const [uploaded, again, listed, found, token] = first.results;
  expect(uploaded?.value, first.log).toMatchObject({ id: 100 });
  expect(again?.error).toContain("already exists");
  const { digest } = double.artifacts.rows[0] ?? { digest: "" };
  expect(listed?.value).toMatchObject({ artifacts: [{ name: "foregone-x", id: 100, digest }] });
  expect(found?.value).toMatchObject({ artifact: { name: "foregone-x", id: 100, digest } });
  expect(token?.value).toMatch(/^e30\./);
  const second = await official(env, folder, [
    ["downloadArtifact", 100, join(folder, "in"), digest],
    ["downloadFrom", 100, join(folder, "out"), findBy, digest],
  ]);
  expect(second.results.map(({ value }) => value)).toMatchObject([
    { digestMismatch: false },
    { digestMismatch: false },
  ]);
  for (const at of ["in", "out"]) expect(readFileSync(join(folder, at, "record"), "utf8")).toBe("bytes of a record");
});
