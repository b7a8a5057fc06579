import { describe, expect, test } from "vitest";
import { classifyGit } from "./git-call.ts";

/** "clean-check+head-dependent", with "+looks" where what it read in the work tree counts as well; or the kind. */
function said(line: string): string {
  const query = classifyGit(line.split(" "));
  if (query.kind === "query") return [...query.uses, ...(query.coversWorktree ? [] : ["looks"])].join("+");
  return query.kind === "writes" && query.opaque ? "writes, opaque" : query.kind;
}

describe("classifyGit()", () => {
  test.for([
    ["git status --porcelain", "clean-check"],
    ["git status -sz", "clean-check"],
    ["git status", "clean-check+head-dependent"],
    ["git status --short --branch", "clean-check+head-dependent"],
    ["git status --porcelain --ignored", "clean-check+head-dependent+looks"],
    ["git diff --exit-code", "clean-check"],
    ["git diff HEAD -- a b", "clean-check"],
    ["git diff main", "clean-check+head-dependent"],
    ["git diff --no-index a b", "harmless"],
    ["git diff-index --quiet HEAD", "clean-check"],
    ["git update-index -q --refresh", "clean-check"],
    ["git update-index --add a", "writes"],
    ["git describe --always", "head-dependent"],
    ["git describe --dirty=+", "clean-check+head-dependent"],
    ["git ls-files", "ls-files"],
    ["git ls-files -z --full-name src", "ls-files"],
    ["git ls-files --others --exclude-standard", "ls-files+clean-check+looks"],
    ["git ls-files --stage", "ls-files+clean-check+head-dependent"],
    ["git ls-files -v", "unknown"],
    ["git ls-files --recurse-submodules", "unknown"],
    ["git grep -l word", "ls-files+looks"],
    ["git grep word HEAD~1", "head-dependent+looks"],
    ["git grep --cached word", "ls-files+clean-check+head-dependent+looks"],
    ["git check-attr -a file", "ls-files+looks"],
    ["git check-attr --cached -a file", "ls-files+clean-check+head-dependent+looks"],
    ["git rev-parse HEAD", "head-dependent"],
    ["git rev-parse --show-toplevel", "harmless"],
    ["git rev-parse --is-shallow-repository", "head-dependent"],
    ["git rev-parse HEAD@{1}", "unknown"],
    ["git rev-parse @{upstream}", "unknown"],
    ["git log -1 --format=%H", "head-dependent+looks"],
    ["git log -g", "unknown"],
    ["git reflog", "unknown"],
    ["git cat-file -p HEAD:a", "head-dependent+looks"],
    ["git cat-file --batch-all-objects --batch-check", "unknown"],
    ["git count-objects", "unknown"],
    ["git branch --show-current", "head-dependent+looks"],
    ["git branch new", "writes"],
    ["git tag", "head-dependent+looks"],
    ["git symbolic-ref HEAD", "head-dependent+looks"],
    ["git symbolic-ref HEAD refs/heads/x", "writes"],
    ["git remote get-url origin", "config+looks"],
    ["git config user.name", "config+looks"],
    ["git config --get core.bare", "config+looks"],
    ["git config --list", "unknown"],
    ["git config --global user.name", "harmless"],
    ["git config user.name x", "writes"],
    ["git hash-object a", "config+looks"],
    ["git var GIT_AUTHOR_IDENT", "config+looks"],
    ["git add .", "writes"],
    ["git stash list", "writes, opaque"],
    ["git submodule status", "writes, opaque"],
    ["git worktree list", "writes, opaque"],
    ["git notes show", "writes, opaque"],
    ["git --version", "harmless"],
    ["git", "harmless"],
    ["git frobnicate", "unknown"],
    ["/usr/lib/git-core/git-remote-https origin", "writes, opaque"],
  ] as const)("%s: %s", ([line, expected]) => expect(said(line)).toBe(expected));

  test("global options that name another place are told, and hide the exact question", () => {
    const query = { kind: "query", ask: undefined, elsewhere: true };
    expect(classifyGit(["git", "-C", "sub", "log"])).toMatchObject(query);
    expect(classifyGit(["git", "--git-dir=x", "log"])).toMatchObject(query);
    expect(classifyGit(["git", "-c", "a.b=c", "log"])).toMatchObject({ ...query, elsewhere: false });
    expect(classifyGit(["git", "--no-pager", "log"])).toMatchObject({ ask: ["log"], elsewhere: false });
  });
});
