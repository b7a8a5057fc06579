// Files that earlier runs of the same Action made and that are still there, byte for byte. When deciding they count as not
// yet made: else no command with outputs could ever be skipped twice on one machine (docs/soundness.md, 2.4). A file whose
// bytes differ from what was recorded is an input like any other. A build that heeds its own old outputs is outside the promise.
import { type Digest, sha256Of } from "../core/digest.ts";
import { type InputPath, type Roots, toAbsolute } from "../core/input-path.ts";
import type { OutputFile } from "../core/record.ts";
import { type Files, type Hasher, Unreadable } from "../ports.ts";

export class Made {
  readonly #outputs = new Map<string, OutputFile[]>();
  readonly #present = new Map<string, boolean>();
  readonly #roots: Roots;
  readonly #files: Files;
  readonly #hasher: Hasher;

  constructor(outputs: Iterable<OutputFile>, roots: Roots, files: Files, hasher: Hasher) {
    this.#roots = roots;
    this.#files = files;
    this.#hasher = hasher;
    for (const output of outputs) {
      if (!output.created) continue;
      const known = this.#outputs.get(output.path);
      if (known === undefined) this.#outputs.set(output.path, [output]);
      else known.push(output);
    }
  }

  /** Every path that is there now as a recorded run made it. Ask before the run, which may change them. */
  present(): ReadonlySet<string> {
    return new Set([...this.#outputs.keys()].filter((path) => this.has(path)));
  }

  get size(): number {
    return this.#outputs.size;
  }

  /** Is this path there, exactly as a recorded run made it? */
  has(path: string): boolean {
    const known = this.#present.get(path);
    if (known !== undefined) return known;
    const outputs = this.#outputs.get(path);
    const present = outputs !== undefined && this.#matches(path as InputPath, outputs);
    this.#present.set(path, present);
    return present;
  }

  #matches(path: InputPath, outputs: readonly OutputFile[]): boolean {
    const absolute = toAbsolute(path, this.#roots);
    if (absolute === undefined) return false;
    const stat = this.#files.lstat(absolute);
    if (stat === undefined || stat instanceof Unreadable) return false;
    const candidates = outputs.filter((o) => o.type === stat.type);
    if (candidates.length === 0) return false;
    // A folder is "as made" if all that is in it was made too; anything else in it is somebody's input.
    if (stat.type === "dir") return this.#allMadeIn(path, absolute);
    const content = this.#content(absolute, stat.type);
    return candidates.some(
      (o) => o.content === content && (o.type !== "file" || (o.mode & 0o100) === (stat.mode & 0o100)),
    );
  }

  #allMadeIn(path: string, absolute: string): boolean {
    const entries = this.#files.list(absolute);
    if (entries === undefined || entries instanceof Unreadable) return false;
    return entries.every(([name]) => this.has(`${path}/${name}`));
  }

  #content(absolute: string, type: string): Digest | undefined {
    const bytes = type === "symlink" ? this.#files.readlink(absolute) : this.#files.read(absolute);
    if (bytes === undefined || bytes instanceof Unreadable) return undefined;
    return sha256Of(this.#hasher, bytes);
  }
}
