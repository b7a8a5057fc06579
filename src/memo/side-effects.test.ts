import { describe, expect, test } from "vitest";
import type { InputPath } from "../core/input-path.ts";
import { classifyWrite, isGitBookkeeping, isTemporary } from "./side-effects.ts";

const path = (text: string): InputPath => text as InputPath;

describe("classifyWrite()", () => {
  test.for([
    ["dist/a.js", "output"],
    [".gitignore", "output"],
    [".github/x", "output"],
    [".git/refs/heads/x", "repository"],
    [".git", "repository"],
    ["/tmp/x", "temporary"],
    ["/dev/shm/x", "temporary"],
    ["$TEMP/x", "temporary"],
    ["/tmpfile", "elsewhere"],
    ["$HOME/.cache/x", "cache"],
    ["$HOME/.npm/_cacache/x", "cache"],
    ["$HOME/.npm/_logs/x", "log"],
    ["$HOME/.npmrc", "elsewhere"],
    ["$HOME/.bashrc", "elsewhere"],
    ["/etc/passwd", "elsewhere"],
    ["/usr/local/bin/tool", "elsewhere"],
  ] as const)("%s is %s", ([text, expected]) => expect(classifyWrite(path(text))).toBe(expected));
});

test.for([
  [".git/index", true],
  [".git/index.lock", true],
  [".git/HEAD", false],
  [".git/hooks/pre-commit", false],
] as const)("isGitBookkeeping(%s) is %s", ([text, expected]) => expect(isGitBookkeeping(path(text))).toBe(expected));

test("a workspace below /tmp is no temporary folder: its paths are relative", () => {
  expect(isTemporary(path("a"))).toBe(false);
  expect(isTemporary(path("/tmp/other"))).toBe(true);
});
