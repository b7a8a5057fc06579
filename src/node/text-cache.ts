// Small texts by key in one folder: may forget anything, never fails. Whoever can write there could as well change the
// store or the program, so what it returns is believed; the folder is private (0700) and must belong to us.
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TextCache {
  get(key: string): string | undefined;
  put(key: string, text: string): void;
}

/** 64 texts of some kB: every checkout has at most two files, and old ones go when a new one comes. */
const MAX_TEXTS = 64;

/** @param folder made when first written to; keys must be file names (hex digests) */
export function textCache(folder: string): TextCache {
  return {
    get(key) {
      try {
        const owner = lstatSync(folder);
        if (!owner.isDirectory() || owner.uid !== process.getuid?.() || (owner.mode & 0o077) !== 0) return undefined;
        return readFileSync(join(folder, key), "utf8");
      } catch {
        return undefined;
      }
    },
    put(key, text) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const old = readdirSync(folder);
        if (old.length >= MAX_TEXTS) for (const name of old) rmSync(join(folder, name), { force: true });
        const temporary = join(folder, `.${key}.${process.pid}`);
        writeFileSync(temporary, text, { mode: 0o600 });
        renameSync(temporary, join(folder, key));
      } catch {
        // A full or read-only disk costs the next start 9 ms, nothing else.
      }
    },
  };
}
