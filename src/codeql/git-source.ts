// The source that a scan would see: what git tracks, corrected by what really lies in the work tree. Four git commands, no
// file is read unless git cannot vouch for it (changed, untracked, ignored, hidden from git by a flag, filtered as by LFS).
//
// Paths are byte strings (latin1, one character a byte) until they are shown: git paths need not be UTF-8.
import type { Gap } from "../core/gap.ts";
import { gitEnvironment, HARMLESS } from "../memo/git-facts.ts";
import type { Ran } from "../ports.ts";
import { type GitPorts, latin1, shown, WorkTreeReader } from "./work-tree.ts";

/** "100644 <oid>" as in git's index; of files that git does not vouch for, the blob id of their bytes. */
export type SourceEntry = string;

export interface GitSource {
  /** Absolute path of the work tree. */
  readonly root: string;
  readonly head: string;
  readonly headTree: string;
  /** Byte string path -> entry, workspace-relative, the whole repository. */
  readonly entries: ReadonlyMap<string, SourceEntry>;
  /** Among the entries: those that HEAD does not have so. */
  readonly unclean: ReadonlySet<string>;
  /** Folders of installed dependencies that are there but not looked into: "node_modules". */
  readonly dependencyFolders: readonly string[];
  /** Links that lead out of the work tree: what they lead to, nobody compares. */
  readonly outsideLinks: readonly string[];
  /** Digest of the settings that turn blobs into files: autocrlf, filters, attributes outside the tree. */
  readonly conversion: string;
}

export type Unanswered = { readonly why: string; readonly hint?: string };

/** Ignored folders with these names hold what a package manager made from tracked lock files. */
const DEPENDENCY_FOLDERS = new Set(["node_modules", ".venv", "venv", "bower_components", "jspm_packages", ".tox"]);

type Git = (cwd: string, args: readonly string[], stdin?: Uint8Array) => Promise<Ran>;

const LISTED = ["ls-files", "-s", "-v", "-z"];
const STATE = [
  "status",
  "--porcelain=v2",
  "-z",
  "--untracked-files=all",
  "--ignored=matching",
  "--no-renames",
  "--ignore-submodules=none",
];
const CONFIG = [
  "config",
  "--null",
  "--get-regexp",
  "^(core\\.(autocrlf|eol|symlinks|filemode|attributesfile)|filter\\..*)$",
];

/** @param folder any folder of the work tree, absolute; asked beside each other if it is the uppermost, as it nearly always is */
export async function readGitSource(
  folder: string,
  env: Readonly<Record<string, string>>,
  ports: GitPorts,
): Promise<GitSource | Unanswered> {
  const clean = gitEnvironment(env);
  const git: Git = (cwd, args, stdin) =>
    ports.runner.start(["git", ...HARMLESS, ...args], { cwd, env: clean, ...(stdin && { stdin }) });
  // The list is there long before the state is: it is read in the meantime.
  const list = async (cwd: string) => {
    const ran = await git(cwd, LISTED);
    return { ...ran, ...listedEntries(latin1(ran.stdout)) };
  };
  // The state takes longest: it is asked first.
  const ask = (cwd: string) => Promise.all([git(cwd, STATE), list(cwd), git(cwd, CONFIG)]);
  const [here, facts] = await Promise.all([
    ask(folder),
    git(folder, ["rev-parse", "--show-toplevel", "--git-path", "info/attributes", "HEAD", "HEAD^{tree}"]),
  ]);
  const [root, attributes, head, headTree] = latin1(facts.stdout).split("\n");
  if (facts.status !== 0 || root === undefined || head === undefined || headTree === undefined)
    return { why: "no git checkout", hint: "run actions/checkout before this step" };
  const workTree = Buffer.from(root, "latin1").toString();
  const [state, listed, config] = workTree === folder ? here : await ask(workTree);
  if (listed.status !== 0 || state.status !== 0 || config.status === null || config.status > 1)
    return { why: `git did not answer: ${firstLine(listed.stderr || state.stderr || config.stderr)}` };

  const reader = new WorkTreeReader(workTree, ports);
  const collected = collect(listed, latin1(state.stdout), reader);
  if ("why" in collected) return collected;
  const infoPath =
    attributes?.startsWith("/") === true ? attributes : `${Buffer.from(folder).toString("latin1")}/${attributes}`;
  const filtered = await filteredPaths(collected.entries, reader.text(infoPath) ?? "", reader, git, workTree);
  if ("why" in filtered) return filtered;
  for (const path of filtered.paths) {
    collected.entries.set(path, reader.entry(path) ?? "absent");
    collected.unclean.add(path);
  }
  if (reader.failure !== undefined) return { why: reader.failure };
  return {
    root: workTree,
    head,
    headTree,
    entries: collected.entries,
    unclean: collected.unclean,
    dependencyFolders: collected.dependencyFolders,
    outsideLinks: linksOut(collected.entries, reader),
    conversion: ports.hasher.sha256(`${latin1(config.stdout)}\0${filtered.outside}`),
  };
}

function linksOut(entries: ReadonlyMap<string, SourceEntry>, reader: WorkTreeReader): readonly string[] {
  const links: string[] = [];
  entries.forEach((entry, path) => {
    if (entry.startsWith("120000 ") && reader.leadsOut(path)) links.push(shown(path));
  });
  return links;
}

interface Collected {
  readonly entries: Map<string, SourceEntry>;
  readonly unclean: Set<string>;
  readonly dependencyFolders: string[];
}

interface Listed {
  readonly entries: Map<string, SourceEntry>;
  /** assume-unchanged or skip-worktree hide these from status. */
  readonly hidden: readonly string[];
}

function listedEntries(listed: string): Listed {
  const entries = new Map<string, SourceEntry>();
  const hidden: string[] = [];
  // "H 100644 <oid> <stage>\t<path>\0"; a stage above 0 is a conflict, which status reports too.
  for (let from = 0, end = listed.indexOf("\0"); end >= 0; from = end + 1, end = listed.indexOf("\0", from)) {
    const tab = listed.indexOf("\t", from);
    const path = listed.slice(tab + 1, end);
    entries.set(path, listed.slice(from + 2, tab - 2));
    if (listed[from] !== "H") hidden.push(path);
  }
  return { entries, hidden };
}

function collect({ entries, hidden }: Listed, state: string, reader: WorkTreeReader): Collected | Unanswered {
  const unclean = new Set<string>();
  const dependencyFolders = new Set<string>();
  const reread = (path: string): void => {
    const entry = reader.entry(path);
    if (entry === undefined) entries.delete(path);
    else entries.set(path, entry);
    unclean.add(path);
  };
  for (const path of hidden) reread(path);
  for (const line of split(state)) {
    const kind = line[0];
    if (kind === "1" || kind === "u") {
      const fields = line.split(" ");
      const path = fields.slice(kind === "1" ? 8 : 10).join(" ");
      if (fields[2]?.startsWith("S") === true && fields[2] !== "S...") {
        // A submodule with another commit or changes inside: its commit id no longer says what is there.
        if (fields[2].slice(2) !== "..") return { why: `submodule ${shown(path)} has changes of its own` };
        const commit = reader.submodule(path);
        if (commit === undefined) return { why: `submodule ${shown(path)} cannot be asked` };
        entries.set(path, `160000 ${commit}`);
        unclean.add(path);
      } else reread(path);
    } else if (kind === "?" || kind === "!") {
      const path = line.slice(2);
      const name = path.replace(/\/$/, "").split("/").at(-1) ?? "";
      if (kind === "!" && DEPENDENCY_FOLDERS.has(name)) dependencyFolders.add(path.replace(/\/$/, ""));
      else if (path.endsWith("/")) reader.walk(path.slice(0, -1), DEPENDENCY_FOLDERS, reread, dependencyFolders);
      else reread(path);
    }
  }
  if (reader.failure !== undefined) return { why: reader.failure };
  return { entries, unclean, dependencyFolders: [...dependencyFolders].sort() };
}

/** Paths whose bytes a filter makes (LFS): the blob id does not say whether the content or only a pointer was checked out. */
async function filteredPaths(
  entries: ReadonlyMap<string, SourceEntry>,
  outside: string,
  reader: WorkTreeReader,
  git: Git,
  workTree: string,
): Promise<{ readonly paths: readonly string[]; readonly outside: string } | Unanswered> {
  const texts = [outside];
  for (const path of entries.keys())
    if (path.endsWith(".gitattributes") && /(?:^|\/)\.gitattributes$/.test(path)) texts.push(reader.text(path) ?? "");
  if (!texts.some((text) => /\bfilter\b/.test(text))) return { paths: [], outside };
  const stdin = Buffer.from([...entries.keys()].map((path) => `${path}\0`).join(""), "latin1");
  const asked = await git(workTree, ["check-attr", "-z", "--stdin", "filter"], stdin);
  if (asked.status !== 0) return { why: `git cannot tell filtered files: ${firstLine(asked.stderr)}` };
  // path, "filter", value, path, ...
  const fields = split(latin1(asked.stdout));
  const paths: string[] = [];
  for (let i = 0; i + 2 < fields.length; i += 3)
    if (fields[i + 2] !== "unspecified" && fields[i + 2] !== "unset") paths.push(fields[i] ?? "");
  return { paths, outside };
}

/** What of a source no key can say. */
export function sourceGaps({ outsideLinks }: GitSource): Gap[] {
  return outsideLinks.map((path) => ({ kind: "unresolved", ref: `${path}, a link out of the checkout` }));
}

function split(text: string): string[] {
  const parts = text.split("\0");
  parts.pop();
  return parts;
}

function firstLine(text: string): string {
  return text.split("\n")[0]?.slice(0, 200) ?? "";
}
