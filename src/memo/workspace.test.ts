import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../node/ports.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { findWorkspace, parent } from "./workspace.ts";

describe("findWorkspace()", () => {
  const tree = (): string => {
    const folder = fs.realpathSync(temporaryFolder());
    fs.mkdirSync(join(folder, "repo/.git"), { recursive: true });
    fs.mkdirSync(join(folder, "repo/a/b"), { recursive: true });
    return folder;
  };
  test("is the work tree around a folder", () => {
    const folder = tree();
    for (const cwd of ["repo", "repo/a/b"])
      expect(findWorkspace(join(folder, cwd), {}, nodeFiles)).toEqual({
        roots: { workspace: join(folder, "repo") },
        gitDir: join(folder, "repo/.git"),
      });
  });
  test("is the folder itself outside git", () => {
    const folder = tree();
    expect(findWorkspace(folder, {}, nodeFiles)).toEqual({ roots: { workspace: folder }, gitDir: undefined });
  });
  test.for([
    ["gitdir: ../main/.git/worktrees/w\n", "main/.git/worktrees/w"],
    ["gitdir: ../x/../main/.git", "main/.git"],
  ] as const)("of a linked work tree or submodule reads where its git directory is: %j", ([text, expected]) => {
    const folder = tree();
    fs.mkdirSync(join(folder, "linked"));
    fs.writeFileSync(join(folder, "linked/.git"), text);
    expect(findWorkspace(join(folder, "linked"), {}, nodeFiles).gitDir).toBe(join(folder, expected));
  });
  test("a file named .git that says something else is none", () => {
    const folder = tree();
    fs.writeFileSync(join(folder, "repo/a/.git"), "nonsense");
    expect(findWorkspace(join(folder, "repo/a"), {}, nodeFiles).roots.workspace).toBe(join(folder, "repo"));
  });
  test("names the roots that the environment gives as absolute paths", () => {
    const folder = tree();
    const env = { HOME: "/home/u/", RUNNER_TEMP: "/t", RUNNER_TOOL_CACHE: "relative" };
    expect(findWorkspace(folder, env, nodeFiles).roots).toEqual({ workspace: folder, home: "/home/u", temp: "/t" });
  });
});

test.for([
  ["/a/b", "/a"],
  ["/a", "/"],
  ["/", "/"],
] as const)("parent(%s) is %s", ([path, expected]) => expect(parent(path)).toBe(expected));
