// What git itself can be asked when a record says that the command asked git. Only these fixed questions exist, and each is put
// by a fixed command of ours: the argv that a record holds is never executed, since records may come from elsewhere.
import type { Answer } from "../core/decide.ts";
import { sha256Of } from "../core/digest.ts";
import { type Files, type Hasher, type Runner, Unreadable } from "../ports.ts";

/**
 * - head: id of the HEAD commit, and how much of its history a shallow clone has; branch: what HEAD points to; refs: all refs,
 *   and that no merge, rebase or the like is under way, of which `git status` and `git branch` tell
 * - clean: no tracked file differs from HEAD, nothing untracked that is not ignored
 * - ls-files: the names of the tracked files; config: every setting but the token that a checkout saves
 * - settings: as config, without those of single branches, which differ between two checkouts of one commit
 */
export const GIT_FACTS = ["head", "branch", "refs", "clean", "ls-files", "config", "settings"] as const;
export type GitFact = (typeof GIT_FACTS)[number];

const COMMANDS: Record<GitFact, readonly string[]> = {
  head: ["rev-parse", "--verify", "--quiet", "HEAD"],
  branch: ["symbolic-ref", "--quiet", "HEAD"],
  refs: ["for-each-ref", "--format=%(objectname) %(refname)"],
  clean: ["status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=none"],
  "ls-files": ["ls-files", "-z"],
  config: ["config", "--null", "--list"],
  settings: ["config", "--null", "--list"],
};

/** Settings that let a repository run programs of its own when git looks at it: off for every question of ours. */
export const HARMLESS = [
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.untrackedCache=keep",
];

/** What is in the git folder while something is under way (gitrepository-layout(5); wt-status.c reads these). */
const UNDER_WAY: Readonly<Record<string, string>> = {
  MERGE_HEAD: "merge",
  CHERRY_PICK_HEAD: "cherry-pick",
  REVERT_HEAD: "revert",
  "rebase-merge": "rebase",
  "rebase-apply": "rebase",
  sequencer: "cherry-pick or revert",
  BISECT_LOG: "bisect",
};

export class GitFacts {
  readonly #known = new Map<string, Answer>();
  #tracked: ReadonlySet<string> | undefined;
  readonly #cwd: string;
  readonly #runner: Runner;
  readonly #hasher: Hasher;
  readonly #files: Files;
  readonly #env: Readonly<Record<string, string>>;

  /** @param cwd the workspace */
  constructor(
    cwd: string,
    env: Readonly<Record<string, string>>,
    { runner, hasher, files }: { readonly runner: Runner; readonly hasher: Hasher; readonly files: Files },
  ) {
    this.#cwd = cwd;
    this.#runner = runner;
    this.#hasher = hasher;
    this.#files = files;
    this.#env = gitEnvironment(env);
  }

  ask(key: string): Answer {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const fact = GIT_FACTS.find((name) => name === key);
    const answer = fact === undefined ? { why: `unknown git question "${key}"` } : this.#put(fact);
    this.#known.set(key, answer);
    return answer;
  }

  #put(fact: GitFact): Answer {
    const { status, stdout, stderr } = this.#git(COMMANDS[fact]);
    if (status === null) return { why: "git did not start" };
    // Exit 1 is an answer too: no HEAD yet, a detached HEAD, no such setting.
    if (status > 1) return { why: stderr.split("\n")[0] ?? `git exited ${status}` };
    if (fact === "clean") return stdout.length === 0 ? "clean" : "dirty";
    const underWay = fact === "refs" ? this.#underWay() : undefined;
    if (underWay !== undefined) return { why: underWay };
    if (stdout.length === 0) return "none";
    if (fact === "config" || fact === "settings")
      return sha256Of(this.#hasher, settingsOf(Buffer.from(stdout).toString("latin1"), fact === "settings"));
    const text = Buffer.from(stdout).toString().trim();
    if (fact === "head") return this.#withDepth(text);
    return fact === "branch" ? text : sha256Of(this.#hasher, stdout);
  }

  /** Two shallow clones of one commit answer differently about its history. */
  #withDepth(head: string): Answer {
    const shallow = this.#git(["rev-parse", "--is-shallow-repository"]);
    if (shallow.status === 0 && Buffer.from(shallow.stdout).toString().trim() === "false") return head;
    const history = this.#git(["rev-list", "HEAD"]);
    if (history.status !== 0) return { why: "the history of a shallow clone" };
    return `${head} shallow ${sha256Of(this.#hasher, history.stdout)}`;
  }

  /** How far it is says no ref, so it is not asked: only that there is nothing. */
  #underWay(): string | undefined {
    const { status, stdout } = this.#git(["rev-parse", "--absolute-git-dir"]);
    const names = status === 0 ? this.#files.list(Buffer.from(stdout).toString().replace(/\n$/, "")) : undefined;
    if (names === undefined || names instanceof Unreadable) return "the git folder cannot be listed";
    const [found] = names.flatMap(([name]) => UNDER_WAY[name] ?? []);
    return found === undefined ? undefined : `a ${found} is under way`;
  }

  /** Is this workspace path in the index? */
  tracks(path: string): boolean {
    return this.trackedPaths().has(path);
  }

  trackedPaths(): ReadonlySet<string> {
    if (this.#tracked === undefined) {
      const { status, stdout } = this.#git(COMMANDS["ls-files"]);
      this.#tracked = new Set(
        status === 0
          ? Buffer.from(stdout)
              .toString()
              .split("\0")
              .filter((path) => path !== "")
          : [],
      );
    }
    return this.#tracked;
  }

  /** Id of the tree of HEAD; undefined without a commit. */
  headTree(): string | undefined {
    const { status, stdout } = this.#git(["rev-parse", "--verify", "--quiet", "HEAD^{tree}"]);
    return status === 0 ? Buffer.from(stdout).toString().trim() : undefined;
  }

  #git(args: readonly string[]): ReturnType<Runner["run"]> {
    return this.#runner.run(["git", ...HARMLESS, ...args], { cwd: this.#cwd, env: this.#env });
  }
}

/** The caller's environment without what would point git elsewhere; never a prompt, a pager or a lock of ours. */
export function gitEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (!name.startsWith("GIT_")) clean[name] = value;
  return { ...clean, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
}

/**
 * Without what differs on every run: actions/checkout saves the job's token as an extra header, or (from v6 on) in a file with a
 * random name that it includes.
 */
function settingsOf(list: string, withoutBranches: boolean): string {
  return list
    .split("\0")
    .filter(
      (setting) =>
        !/^http\..*extraheader\n/i.test(setting) &&
        !/^includeif\..*\.path\n.*\/git-credentials-[^/]*$/i.test(setting) &&
        !(withoutBranches && /^branch\./i.test(setting)),
    )
    .join("\0");
}
