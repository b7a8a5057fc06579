// What git is asked beyond files: settings, how much history there is, what is under way.
import fs from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../../src/testing/sandbox.ts";
import { corpus } from "./corpus.ts";

const LOG_DATE = "git log -1 --format=%ad";
const baseline = (box: Sandbox): void => box.write("in", "1");
/** Three commits, of which a clone of depth 2 has the last two, and the one that the corpus adds. */
const shallow = (box: Sandbox): void => {
  for (const name of ["1", "2", "3"]) {
    box.write("in", name);
    box.commit(name);
  }
  box.write(".git/shallow", `${box.git("rev-parse", "HEAD~1").trim()}\n`);
};
/** A merge that is not committed and changes nothing: the tree is clean meanwhile. */
const merging = (box: Sandbox): void => {
  box.git("checkout", "--quiet", "-b", "side", "HEAD~1");
  box.commit("side");
  box.git("checkout", "--quiet", "main");
  box.git("merge", "--quiet", "--no-ff", "--no-commit", "--strategy=ours", "side");
};
const twoCommits = (box: Sandbox): void => (baseline(box), box.commit("first"));

corpus("git facts", [
  {
    name: "a setting of how dates are printed",
    setUp: baseline,
    command: LOG_DATE,
    change: (b) => void b.git("config", "log.date", "iso"),
    expect: "changed git settings",
  },
  {
    name: "a setting in the user's own file",
    setUp: baseline,
    command: LOG_DATE,
    change: (b) => {
      fs.mkdirSync(join(b.folder, "home"), { recursive: true });
      fs.writeFileSync(join(b.folder, "home", ".gitconfig"), "[log]\n\tdate = iso\n");
    },
    expect: "changed",
  },
  {
    name: "a setting of one branch, for a command that names none",
    setUp: baseline,
    command: "git rev-parse HEAD",
    change: (b) => void b.git("config", "branch.main.remote", "origin"),
    expect: "skip",
  },
  {
    name: "a setting of one branch, for a command that tells what is ahead",
    setUp: baseline,
    command: "git status",
    change: (b) => void b.git("config", "branch.main.remote", "origin"),
    expect: "changed git config",
  },
  {
    name: "the token that a checkout saves, in a header",
    setUp: (b) => (baseline(b), b.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic MQ==")),
    command: LOG_DATE,
    change: (b) => void b.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic Mg=="),
    expect: "skip",
  },
  {
    name: "the token that a checkout saves, in a file that it includes",
    setUp: baseline,
    command: LOG_DATE,
    change: (b) =>
      void b.git("config", `includeIf.gitdir:${b.workspace}/.git.path`, "/run/git-credentials-7f3a.config"),
    expect: "skip",
  },
  {
    name: "another file that the settings include",
    setUp: baseline,
    command: LOG_DATE,
    change: (b) => void b.git("config", `includeIf.gitdir:${b.workspace}/.git.path`, "/run/dates.config"),
    expect: "changed git settings",
  },
  {
    name: "the history behind a shallow head",
    setUp: shallow,
    command: "git rev-list --count HEAD",
    change: (b) => fs.rmSync(b.path(".git/shallow")),
    expect: "changed git head",
  },
  {
    name: "the same shallow head",
    setUp: shallow,
    command: "git rev-list --count HEAD",
    change: () => undefined,
    expect: "skip",
  },
  {
    name: ".git/info/exclude, for what git calls untracked",
    setUp: baseline,
    command: "git status --porcelain",
    change: (b) => b.write(".git/info/exclude", "in*\n"),
    expect: "changed file .git/info/exclude",
  },
  {
    name: ".git/info/attributes, which was not there",
    setUp: baseline,
    command: "git check-attr text in",
    change: (b) => b.write(".git/info/attributes", "in text\n"),
    expect: "changed absent .git/info/attributes",
  },
  {
    name: "git status: a merge began",
    setUp: twoCommits,
    command: "git status",
    change: merging,
    expect: "run",
  },
  {
    name: "git status in a bisection",
    setUp: (b) => (twoCommits(b), void b.git("bisect", "start")),
    command: "git status",
    change: () => undefined,
    expect: "gap git-head-used",
  },
  {
    name: "git status: a bisection began",
    setUp: baseline,
    command: "git status",
    change: (b) => void b.git("bisect", "start"),
    expect: "unanswered git refs",
  },
  {
    name: "git status --porcelain, which tells nothing of a bisection",
    setUp: baseline,
    command: "git status --porcelain",
    change: (b) => void b.git("bisect", "start"),
    expect: "skip",
  },
  {
    name: "git branch in a rebase that stopped",
    setUp: twoCommits,
    command: "git branch",
    change: (b) => {
      b.env["GIT_SEQUENCE_EDITOR"] = "sed -i s/^pick/edit/";
      b.git("rebase", "--quiet", "--interactive", "HEAD~1");
      delete b.env["GIT_SEQUENCE_EDITOR"];
    },
    expect: "run",
  },
]);
