import { expect, test } from "vitest";
import { parseMeshScope } from "./scope.ts";

test("scopes are exactly those of the grammar", () => {
  for (const good of ["", "protected", "branch:refs/heads/x", "pr:1"]) expect(parseMeshScope(good)).toBe(good);
  for (const bad of ["Protected", "branch:", "pr:0", "pr:x", "pr:12345678901", "branch:a\nb", "*"])
    expect(parseMeshScope(bad)).toBeUndefined();
});
