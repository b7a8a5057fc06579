// The work tree where git does not vouch for it. Paths are byte strings, as in git-source.ts.
import { gitEnvironment, HARMLESS } from "../memo/git-facts.ts";
import { type Files, type Hasher, type Runner, Unreadable } from "../ports.ts";
import type { SourceEntry } from "./git-source.ts";

export interface GitPorts {
  readonly files: Files;
  readonly hasher: Hasher;
  readonly runner: Runner;
}

/** Ignored files of a build before the scan are inputs; a whole cache of them cannot be compared in time. */
const MAX_EXTRA_FILES = 20_000;
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Reads what git does not vouch for. The first thing nobody could read is kept as `failure`. */
export class WorkTreeReader {
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

/** A byte string as text; bytes that are no UTF-8 show as U+FFFD. */
export function shown(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
