// What git knew just before the run: which tree, which paths it tracks, which of them already differed. With it, a file that the
// run rewrote with the same bytes is still known to be unchanged, and the record can name the tree that was tested.
import { gitBlobNamed } from "../core/digest.ts";
import { fileAnswer } from "../core/observation.ts";
import type { EntryType, Runner } from "../ports.ts";
import { gitEnvironment } from "./git-facts.ts";

export interface StartState {
  /** Nanoseconds since the epoch, before the command was started. */
  readonly startNs: bigint;
  /** Tree of HEAD, if the working tree was clean, untracked files included (ignored ones apart). */
  readonly cleanTree: string | undefined;
  readonly commit: string | undefined;
  /** Blob id and mode of HEAD for a tracked path that did not differ at the start. */
  head(path: string): { readonly id: string; readonly mode: string } | undefined;
  /** Tracked and not different from HEAD at the start. */
  isClean(path: string): boolean;
  /** What was at a workspace path, as far as git could tell; empty folders are invisible to it. */
  before(path: string): EntryType | "absent" | undefined;
}

/** What HEAD answers to the question that reads a tracked path in full. */
export function answerAtHead(head: { readonly id: string; readonly mode: string }): {
  readonly kind: "file" | "symlink";
  readonly value: string;
} {
  const content = gitBlobNamed(head.id);
  return head.mode === "120000"
    ? { kind: "symlink", value: content }
    : { kind: "file", value: fileAnswer(head.mode === "100755", content) };
}

/** Outside git: nothing is tracked. */
export function startWithoutGit(startNs: bigint): StartState {
  return {
    startNs,
    cleanTree: undefined,
    commit: undefined,
    head: () => undefined,
    isClean: () => false,
    before: () => undefined,
  };
}

/** What git said just before the run: plain data, which a job's last step gets from its first. */
export interface StartFacts {
  /** `git status --porcelain=v1 -z`, ignored files included. */
  readonly status: string;
  readonly commit: string;
  readonly tree: string;
}

type Git = (...args: string[]) => string | undefined;

/**
 * Asks git about HEAD and the working tree: three short processes. Any failure means "nothing is tracked".
 * @param startNs of now; what is stamped later may have been changed by the run
 */
export function startState(
  workspace: string,
  env: Readonly<Record<string, string>>,
  runner: Runner,
  startNs: bigint,
): StartState {
  const facts = askStart(workspace, env, runner);
  return facts === undefined ? startWithoutGit(startNs) : startedFrom(facts, workspace, env, runner, startNs);
}

/** @returns undefined outside git, and where git does not answer */
export function askStart(
  workspace: string,
  env: Readonly<Record<string, string>>,
  runner: Runner,
): StartFacts | undefined {
  const git = gitIn(workspace, env, runner);
  const status = git(
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=normal",
    "--ignored=traditional",
    "--ignore-submodules=none",
  );
  const [commit, tree] = (git("rev-parse", "HEAD", "HEAD^{tree}") ?? "").split("\n");
  if (status === undefined || commit === undefined || tree === undefined || tree === "") return undefined;
  return { status, commit, tree };
}

/** @param startNs when `facts` were taken */
export function startedFrom(
  { status: all, commit, tree }: StartFacts,
  workspace: string,
  env: Readonly<Record<string, string>>,
  runner: Runner,
  startNs: bigint,
): StartState {
  const git = gitIn(workspace, env, runner);
  // Ignored files say what was there; they do not make a tree unclean.
  const ignored = all.split("\0").filter((field) => field.startsWith("!! "));
  const status = all
    .split("\0")
    .filter((field) => !field.startsWith("!! "))
    .join("\0");
  const dirty = dirtyPaths(status);
  // Asked only if some input was touched by the run: most never are.
  let entries: Map<string, { id: string; mode: string }> | undefined;
  const head = (path: string): { id: string; mode: string } | undefined => {
    entries ??= treeEntries(git("ls-tree", "-r", "-z", "--full-tree", tree) ?? "");
    return dirty.has(path) ? undefined : entries.get(path);
  };
  const tracked = (path: string): boolean => {
    head(path);
    return entries?.has(path) === true;
  };
  const isFolder = (prefix: string): boolean =>
    [...(entries?.keys() ?? []), ...dirty, ...untracked].some((name) => name.startsWith(prefix) && name !== prefix);
  const isInSubmodule = (path: string): boolean => {
    const names = path.split("/");
    return names.some((_, i) => entries?.get(names.slice(0, i).join("/"))?.mode === "160000");
  };
  // Collapsed to folders, which end in "/".
  const untracked = [...ignored, ...status.split("\0").filter((field) => field.startsWith("?? "))].map((field) =>
    field.slice(3),
  );
  return {
    startNs,
    cleanTree: status === "" ? tree : undefined,
    commit,
    head,
    isClean: (path) => head(path) !== undefined,
    before: (path) => before(path, head(path)?.mode, dirty, untracked, tracked, isFolder, isInSubmodule),
  };
}

function gitIn(workspace: string, env: Readonly<Record<string, string>>, runner: Runner): Git {
  const options = { cwd: workspace, env: gitEnvironment(env) };
  return (...args) => {
    const done = runner.run(["git", "-c", "core.fsmonitor=false", ...args], options);
    return done.status === 0 ? Buffer.from(done.stdout).toString() : undefined;
  };
}

function before(
  path: string,
  mode: string | undefined,
  dirty: ReadonlySet<string>,
  untracked: readonly string[],
  tracked: (path: string) => boolean,
  isFolder: (prefix: string) => boolean,
  isInSubmodule: (path: string) => boolean,
): EntryType | "absent" | undefined {
  if (mode !== undefined) return mode === "120000" ? "symlink" : mode === "160000" ? "dir" : "file";
  // Changed at the start, git's own, or below a folder that git did not look into: it was there or not, nobody knows.
  if (dirty.has(path) || tracked(path) || path === ".git" || path.startsWith(".git/")) return undefined;
  if (isInSubmodule(path)) return undefined;
  if (isFolder(`${path}/`)) return "dir";
  return untracked.some((name) => name === path || (name.endsWith("/") && `${path}/`.startsWith(name)))
    ? undefined
    : "absent";
}

/** Paths of `git status --porcelain -z`; a rename names two. */
function dirtyPaths(status: string): Set<string> {
  const paths = new Set<string>();
  const fields = status.split("\0");
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] ?? "";
    if (field === "") continue;
    paths.add(field.slice(3));
    if (/^[RC]|^.[RC]/.test(field)) paths.add(fields[++i] ?? "");
  }
  return paths;
}

/** `ls-tree -r -z`: "<mode> <type> <id>\t<path>\0" each. */
function treeEntries(text: string): Map<string, { id: string; mode: string }> {
  const entries = new Map<string, { id: string; mode: string }>();
  for (const line of text.split("\0")) {
    const tab = line.indexOf("\t");
    if (tab < 0) continue;
    const [mode = "", , id = ""] = line.slice(0, tab).split(" ");
    entries.set(line.slice(tab + 1), { mode, id });
  }
  return entries;
}
