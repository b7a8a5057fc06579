// The source that a scan would see: what git tracks, corrected by what really lies in the work tree. Three git commands, no
// file is read unless git cannot vouch for it (changed, untracked, ignored, hidden from git by a flag, filtered as by LFS).
//
// Paths are byte strings (latin1, one character a byte) until they are shown: git paths need not be UTF-8.
import type { Gap } from "../core/gap.ts";
import { gitEnvironment, HARMLESS } from "../memo/git-facts.ts";
import { type Files, type Hasher, type Runner, Unreadable } from "../ports.ts";

export interface GitPorts {
  readonly files: Files;
  readonly hasher: Hasher;
  readonly runner: Runner;
}

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
/** Ignored files of a build before the scan are inputs; a whole cache of them cannot be compared in time. */
const MAX_EXTRA_FILES = 20_000;
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** @param folder any folder of the work tree, absolute */
export function readGitSource(
  folder: string,
  env: Readonly<Record<string, string>>,
  ports: GitPorts,
): GitSource | Unanswered {
  const git = (args: readonly string[], cwd = folder, stdin?: Uint8Array) =>
    ports.runner.run(["git", ...HARMLESS, ...args], { cwd, env: gitEnvironment(env), ...(stdin && { stdin }) });
  const facts = git(["rev-parse", "--show-toplevel", "--git-path", "info/attributes", "HEAD", "HEAD^{tree}"]);
  const [root, attributes, head, headTree] = latin1(facts.stdout).split("\n");
  if (facts.status !== 0 || root === undefined || head === undefined || headTree === undefined)
    return { why: "no git checkout", hint: "run actions/checkout before this step" };
  const workTree = Buffer.from(root, "latin1").toString();
  const listed = git(["ls-files", "-s", "-v", "-z"], workTree);
  const state = git(
    [
      "status",
      "--porcelain=v2",
      "-z",
      "--untracked-files=all",
      "--ignored=matching",
      "--no-renames",
      "--ignore-submodules=none",
    ],
    workTree,
  );
  const config = git(
    ["config", "--null", "--get-regexp", "^(core\\.(autocrlf|eol|symlinks|filemode|attributesfile)|filter\\..*)$"],
    workTree,
  );
  if (listed.status !== 0 || state.status !== 0 || config.status === null || config.status > 1)
    return { why: `git did not answer: ${firstLine(listed.stderr || state.stderr || config.stderr)}` };

  const reader = new WorkTreeReader(workTree, ports);
  const collected = collect(latin1(listed.stdout), latin1(state.stdout), reader);
  if ("why" in collected) return collected;
  const infoPath =
    attributes?.startsWith("/") === true ? attributes : `${Buffer.from(folder).toString("latin1")}/${attributes}`;
  const filtered = filteredPaths(collected.entries, reader.text(infoPath) ?? "", reader, git, workTree);
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
    outsideLinks: [...collected.entries]
      .filter(([path, entry]) => entry.startsWith("120000 ") && reader.leadsOut(path))
      .map(([path]) => shown(path)),
    conversion: ports.hasher.sha256(`${latin1(config.stdout)}\0${filtered.outside}`),
  };
}

interface Collected {
  readonly entries: Map<string, SourceEntry>;
  readonly unclean: Set<string>;
  readonly dependencyFolders: string[];
}

function collect(listed: string, state: string, reader: WorkTreeReader): Collected | Unanswered {
  const entries = new Map<string, SourceEntry>();
  const unclean = new Set<string>();
  const dependencyFolders = new Set<string>();
  const reread = (path: string): void => {
    const entry = reader.entry(path);
    if (entry === undefined) entries.delete(path);
    else entries.set(path, entry);
    unclean.add(path);
  };
  for (const line of split(listed)) {
    // "H 100644 <oid> <stage>\t<path>"; a stage above 0 is a conflict, which status reports too.
    const tab = line.indexOf("\t");
    const path = line.slice(tab + 1);
    entries.set(path, line.slice(2, tab - 2));
    // Anything but H: assume-unchanged or skip-worktree hide the file from status.
    if (line[0] !== "H") reread(path);
  }
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
function filteredPaths(
  entries: ReadonlyMap<string, SourceEntry>,
  outside: string,
  reader: WorkTreeReader,
  git: (args: readonly string[], cwd: string, stdin?: Uint8Array) => ReturnType<Runner["run"]>,
  workTree: string,
): { readonly paths: readonly string[]; readonly outside: string } | Unanswered {
  const attributes = [...entries.keys()].filter(
    (path) => path === ".gitattributes" || path.endsWith("/.gitattributes"),
  );
  const texts = [outside, ...attributes.map((path) => reader.text(path) ?? "")];
  if (!texts.some((text) => /\bfilter\b/.test(text))) return { paths: [], outside };
  const stdin = Buffer.from([...entries.keys()].map((path) => `${path}\0`).join(""), "latin1");
  const asked = git(["check-attr", "-z", "--stdin", "filter"], workTree, stdin);
  if (asked.status !== 0) return { why: `git cannot tell filtered files: ${firstLine(asked.stderr)}` };
  // path, "filter", value, path, ...
  const fields = split(latin1(asked.stdout));
  const paths: string[] = [];
  for (let i = 0; i + 2 < fields.length; i += 3)
    if (fields[i + 2] !== "unspecified" && fields[i + 2] !== "unset") paths.push(fields[i] ?? "");
  return { paths, outside };
}

/** Reads what git does not vouch for. The first thing nobody could read is kept as `failure`. */
class WorkTreeReader {
  failure: string | undefined;
  #count = 0;
  readonly #root: string;
  readonly #ports: GitPorts;

  constructor(root: string, ports: GitPorts) {
    this.#root = root;
    this.#ports = ports;
  }

  /** @returns undefined if nothing is there, or (with `failure` set) nobody could look */
  entry(path: string): SourceEntry | undefined {
    const { files, hasher } = this.#ports;
    if (++this.#count > MAX_EXTRA_FILES)
      return this.#fail(`more than ${MAX_EXTRA_FILES} files that git does not track`);
    // Node opens files by text: what is no UTF-8 would be looked for under another name, and not found.
    if (latin1(Buffer.from(shown(path))) !== path) return this.#fail(`the name of ${shown(path)} is no UTF-8`);
    const absolute = this.#absolute(path);
    const stat = files.lstat(absolute);
    if (stat === undefined) return undefined;
    if (stat instanceof Unreadable) return this.#fail(`${shown(path)} cannot be read (${stat.code})`);
    if (stat.type === "symlink") {
      const target = files.readlink(absolute);
      if (typeof target !== "string") return this.#fail(`${shown(path)} cannot be read`);
      return `120000 ${hasher.gitBlob(Buffer.from(target))}`;
    }
    if (stat.type !== "file") return stat.type === "dir" ? "040000 folder" : this.#fail(`${shown(path)} is no file`);
    const bytes = files.read(absolute, MAX_FILE_BYTES);
    if (bytes === undefined) return undefined;
    if (bytes instanceof Unreadable) return this.#fail(`${shown(path)} cannot be read (${bytes.code})`);
    return `${(stat.mode & 0o100) === 0 ? "100644" : "100755"} ${hasher.gitBlob(bytes)}`;
  }

  walk(folder: string, stopAt: ReadonlySet<string>, visit: (path: string) => void, stopped: Set<string>): void {
    const entries = this.#ports.files.list(this.#absolute(folder));
    if (entries === undefined) return;
    if (entries instanceof Unreadable) {
      this.#fail(`${shown(folder)} cannot be listed (${entries.code})`);
      return;
    }
    for (const [name, type] of entries) {
      if (this.failure !== undefined) return;
      // The names are text already: one that was no UTF-8 holds this mark.
      if (name.includes("\ufffd")) {
        this.#fail(`the name of a file in ${shown(folder)} is no UTF-8`);
        return;
      }
      const path = `${folder}/${Buffer.from(name).toString("latin1")}`;
      if (type !== "dir") visit(path);
      else if (stopAt.has(name)) stopped.add(path);
      else if (name !== ".git") this.walk(path, stopAt, visit, stopped);
    }
  }

  leadsOut(path: string): boolean {
    const target = this.#ports.files.readlink(this.#absolute(path));
    if (typeof target !== "string") return false;
    if (target.startsWith("/")) return !`${target}/`.startsWith(`${this.#root}/`);
    let depth = path.split("/").length - 1;
    return target.split("/").some((part) => {
      if (part === "..") depth--;
      else if (part !== "." && part !== "") depth++;
      return depth < 0;
    });
  }

  text(path: string): string | undefined {
    const bytes = this.#ports.files.read(this.#absolute(path), 1024 * 1024);
    return bytes === undefined || bytes instanceof Unreadable ? undefined : latin1(bytes);
  }

  submodule(path: string): string | undefined {
    const { status, stdout } = this.#ports.runner.run(["git", ...HARMLESS, "rev-parse", "--verify", "HEAD"], {
      cwd: this.#absolute(path),
      env: gitEnvironment({}),
    });
    return status === 0 ? latin1(stdout).trim() : undefined;
  }

  #absolute(path: string): string {
    const text = shown(path);
    return text.startsWith("/") ? text : `${this.#root}/${text}`;
  }

  #fail(why: string): undefined {
    this.failure ??= why;
    return undefined;
  }
}

/** What of a source no key can say. */
export function sourceGaps({ outsideLinks }: GitSource): Gap[] {
  return outsideLinks.map((path) => ({ kind: "unresolved", ref: `${path}, a link out of the checkout` }));
}

/** A byte string as text; bytes that are no UTF-8 show as U+FFFD. */
export function shown(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function split(text: string): string[] {
  const parts = text.split("\0");
  parts.pop();
  return parts;
}

function firstLine(text: string): string {
  return text.split("\n")[0]?.slice(0, 200) ?? "";
}
