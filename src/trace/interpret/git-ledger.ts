// Who asked which repository. What git reads below `.git` and, for some questions, in the work tree is replaced by the question
// itself, since the files there differ after each fetch or checkout while the answer does not (docs/soundness.md, 2.8).
import type { Gap } from "../../core/gap.ts";
import type { Files } from "../../ports.ts";
import { classifyGit, type GitQuery, type GitUse } from "./git-call.ts";
import type { Image } from "./image.ts";
import type { GitCall, LookKind } from "./interpreted.ts";

/** Read as plain files: configuration that nothing else stands for. */
const PLAIN = /^(?:hooks|info\/(?:exclude|attributes|grafts|sparse-checkout)|description)(?:\/|$)/;

/** Names that git makes and removes by itself (gitrepository-layout(5)): whether they are there says little. */
const GITS_OWN =
  /^(?:[A-Z_]+(?:HEAD|_MSG|_MODE|_RR|_LOG|_START)|HEAD|config|index|packed-refs|shallow|gc|refs|objects|logs|info|modules|worktrees|lfs|rebase|sequencer|commondir|gitdir|locked)/;

/** How git sees the other files of the work tree, those too that the run made or changed: no question about HEAD stands for it. */
const ATTRIBUTES = /\/\.git(?:attributes|modules)$/;
/** What a command that changes a repository may have asked of it. */
const WHOLE: readonly GitUse[] = ["head-dependent", "clean-check"];

export class GitLedger {
  readonly #queries = new WeakMap<Image, GitQuery>();
  /** Repositories from before the run whose `.git` somebody read: by git, and by others with what they read. */
  readonly #byGit = new Set<string>();
  readonly #byOthers = new Map<string, { readonly repository: string; readonly use: GitUse; readonly by: string }>();
  readonly #writers = new Map<Image, string>();
  /** Folders whose `.git` the run made: what runs below asks those. */
  readonly #made = new Set<string>();
  /** Main repository -> its linked work trees that somebody asked about (gitrepository-layout(5), worktrees). */
  readonly #linked = new Map<string, Set<string>>();
  readonly #files: Files;

  constructor(files: Files) {
    this.#files = files;
  }

  /** @returns true if the look is covered by a git question */
  look(kind: LookKind, path: string, image: Image): boolean {
    const at = path.indexOf("/.git");
    const inside = at >= 0 && (path.length === at + 5 || path[at + 5] === "/");
    if (!inside) return image.isGit && this.#coversWorktree(path, image);
    const repository = path.slice(0, at) || "/";
    const rest = path.slice(at + 6);
    this.#link(repository, rest);
    if (image.isGit) {
      // Looking for a repository further up is a question about that folder.
      if (rest === "" && kind === "absent") return false;
      // No question stands for them.
      if (PLAIN.test(rest)) return false;
      this.#byGit.add(repository);
      return true;
    }
    if (rest === "") {
      if (kind === "directory") this.#others(repository, "head-dependent", image);
      return kind === "directory";
    }
    // Programs that look into every folder ask for their own files here too: unittest for `.git/__init__.py`.
    if (PLAIN.test(rest) || (kind === "absent" && !GITS_OWN.test(rest))) return false;
    if (rest === "config") this.#others(repository, "config", image);
    else this.#others(repository, "head-dependent", image);
    if (rest === "index") this.#others(repository, "clean-check", image);
    return true;
  }

  /** `.git/worktrees/NAME` of the main repository says where the work tree is that it stands for. */
  #link(repository: string, rest: string): void {
    const name = /^worktrees\/([^/]+)/.exec(rest)?.[1];
    if (name === undefined) return;
    const known = this.#linked.get(repository) ?? new Set();
    this.#linked.set(repository, known);
    if (known.size > 0) return;
    const bytes = this.#files.readPart(`${repository}/.git/worktrees/${name}/gitdir`, 0, 4096);
    const text = bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : "";
    const folder = /^(\/.*)\/\.git\n?$/.exec(text)?.[1];
    if (folder !== undefined) known.add(folder);
  }

  /** What a linked work tree shares with its main repository is asked for its sake. */
  #resolved(repository: string): Iterable<string> {
    const linked = this.#linked.get(repository);
    return linked === undefined || linked.size === 0 ? [repository] : linked;
  }

  wrote(path: string, image: Image): void {
    const at = path.indexOf("/.git/");
    if (at < 0 || !image.isGit || this.#query(image).kind !== "writes") return;
    this.#writers.set(image, path.slice(0, at) || "/");
  }

  /** The run made this path. */
  made(path: string): void {
    if (path.endsWith("/.git")) this.#made.add(path.slice(0, -5) || "/");
  }

  finish(images: readonly Image[]): { readonly calls: GitCall[]; readonly gaps: Gap[] } {
    const calls = new Map<string, GitCall>();
    const gaps: Gap[] = [];
    const add = (use: GitUse, ask: GitCall["ask"], asked: string, by: string): void => {
      for (const repository of this.#resolved(asked)) {
        const key = JSON.stringify([use, ask, repository]);
        if (!calls.has(key)) calls.set(key, { use, ask, cwd: repository, repository, by });
      }
    };
    for (const image of images) {
      if (!image.isGit) continue;
      const query = this.#query(image);
      if (query.kind === "harmless" || this.#writers.has(image)) continue;
      for (const repository of this.#asked(image, query)) {
        if (query.kind === "query") for (const use of query.uses) add(use, query.ask, repository, image.by);
        else if (query.kind === "unknown" || query.opaque)
          gaps.push({ kind: "git-head-used", query: `git ${query.subcommand}` });
        else for (const use of WHOLE) add(use, undefined, repository, image.by);
      }
    }
    for (const [image, repository] of this.#writers) {
      const query = this.#query(image);
      if (query.kind !== "writes") continue;
      gaps.push({ kind: "side-effect", what: `git ${query.subcommand} in ${repository}` });
      for (const use of WHOLE) add(use, undefined, repository, image.by);
    }
    for (const { repository, use, by } of this.#byOthers.values()) add(use, undefined, repository, by);
    return { calls: [...calls.values()], gaps };
  }

  /**
   * Repositories that a git process may have asked. Repeated looks are dropped before they come here, so what it was seen to
   * read is no evidence of what it did not: only where it ran is.
   */
  #asked(image: Image, query: { readonly elsewhere: boolean }): string[] {
    const { cwd } = image;
    if (cwd === undefined || query.elsewhere) return [...this.#byGit];
    for (let folder = cwd; ; folder = folder.slice(0, folder.lastIndexOf("/")) || "/") {
      if (this.#byGit.has(folder)) return [folder];
      if (this.#made.has(folder)) return [];
      // No repository around it that we know: GIT_DIR says where, or there is none.
      if (folder === "/") return [...this.#byGit];
    }
  }

  #coversWorktree(path: string, image: Image): boolean {
    const query = this.#query(image);
    if (query.kind !== "query" || !query.coversWorktree || this.#byGit.size === 0) return false;
    if (ATTRIBUTES.test(path) || (query.ignores && path.endsWith("/.gitignore"))) return false;
    for (const repository of this.#byGit)
      if (path === repository || path.startsWith(repository === "/" ? "/" : `${repository}/`)) return true;
    return false;
  }

  #others(repository: string, use: GitUse, { by }: Image): void {
    const key = `${use} ${repository}`;
    if (!this.#byOthers.has(key)) this.#byOthers.set(key, { repository, use, by });
  }

  #query(image: Image): GitQuery {
    let query = this.#queries.get(image);
    if (query === undefined) this.#queries.set(image, (query = classifyGit(image.argv)));
    return query;
  }
}
