// A clone of the repository under replay, moved from commit to commit as a CI checkout would be.
import { execFileSync, spawnSync } from "node:child_process";

export interface Commit {
  readonly id: string;
  readonly tree: string;
  /** ISO 8601. */
  readonly date: string;
}

export class History {
  readonly folder: string;
  readonly #keep: readonly string[];
  readonly #changed = new Map<string, readonly string[]>();

  /** @param keep patterns that `git clean` leaves alone between commits, as a dependency cache would */
  constructor(repository: string, folder: string, keep: readonly string[]) {
    this.folder = folder;
    this.#keep = keep;
    execFileSync("git", ["clone", "--quiet", "--no-checkout", repository, folder], { stdio: "inherit" });
  }

  /** Oldest first, both ends included. */
  firstParents(range: string): readonly Commit[] {
    const [oldest, newest] = range.split("..");
    if (oldest === undefined || newest === undefined) throw new Error(`--range wants OLDEST..NEWEST, not "${range}"`);
    const format = "--format=%H %T %cI";
    const text = this.#git("log", "--first-parent", "--reverse", format, newest, `^${oldest}~1`);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [id = "", tree = "", date = ""] = line.split(" ");
        return { id, tree, date };
      });
  }

  /** @returns exit code of the set-up, with COMMIT_DATE in its environment */
  checkout(commit: Commit, setup: string): number {
    this.#git("checkout", "--quiet", "--force", "--detach", commit.id);
    this.#git("clean", "-fdxq", ...this.#keep.flatMap((pattern) => ["-e", pattern]));
    if (setup === "") return 0;
    const env = { ...process.env, COMMIT_DATE: commit.date, CI: "true" };
    return spawnSync("sh", ["-c", setup], { cwd: this.folder, env, stdio: ["ignore", "ignore", "ignore"] }).status ?? 1;
  }

  changedPaths(from: string, to: string): readonly string[] {
    const key = `${from} ${to}`;
    let paths = this.#changed.get(key);
    if (paths === undefined) {
      paths = this.#git("diff", "--name-only", "--no-renames", from, to)
        .split("\n")
        .filter((line) => line !== "");
      this.#changed.set(key, paths);
    }
    return paths;
  }

  addedPaths(from: string, to: string): readonly string[] {
    return this.#git("diff", "--name-only", "--no-renames", "--diff-filter=A", from, to)
      .split("\n")
      .filter((line) => line !== "");
  }

  #git(...args: string[]): string {
    return execFileSync("git", args, { cwd: this.folder, encoding: "utf8", maxBuffer: 1 << 28 });
  }
}
