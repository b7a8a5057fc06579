// What a decision was made on, kept for the recording that follows the scan: the key as it was then (`init` exports variables
// later that are no inputs), and the source, since a changed input is only seen by comparing.
import { gunzipSync, gzipSync } from "node:zlib";
import type { GitSource } from "../../codeql/git-source.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import { nodeFiles, nodeHasher } from "../../node/ports.ts";
import { Unreadable } from "../../ports.ts";
import { effects } from "../wiring.ts";
import { writeWhole } from "./files.ts";
import type { ScanShell } from "./shell.ts";

export interface Pending {
  readonly at: number;
  readonly key: ScanKey;
  readonly git: GitSource;
}

/** @returns where it is kept; undefined if it could not be: then nothing is recorded, or the source is compared with itself */
export function savePending(shell: ScanShell, key: ScanKey, git: GitSource): string | undefined {
  const plain = { at: effects.clock.now(), key, git: { ...git, entries: [...git.entries], unclean: [...git.unclean] } };
  const path = pendingPath(shell, key);
  try {
    shell.folder.files.mkdir(`${shell.folder.path}/pending-scans`);
    writeWhole(path, gzipSync(JSON.stringify(plain), { level: 1 }));
    return path;
  } catch {
    return undefined;
  }
}

/** The one place for each checkout and scan: a later decision replaces it. */
export function pendingPath(shell: ScanShell, key: Pick<ScanKey, "family">): string {
  return `${shell.folder.path}/pending-scans/${nodeHasher.sha256(`${shell.checkout}\0${key.family}`).slice(0, 32)}`;
}

export function loadPending(path: string): Pending | undefined {
  const bytes = nodeFiles.read(path);
  if (bytes === undefined || bytes instanceof Unreadable) return undefined;
  try {
    const { at, key, git } = JSON.parse(gunzipSync(bytes, { maxOutputLength: 512 * 1024 * 1024 }).toString()) as {
      at: number;
      key: ScanKey;
      git: Omit<GitSource, "entries" | "unclean"> & { entries: [string, string][]; unclean: string[] };
    };
    return { at, key, git: { ...git, entries: new Map(git.entries), unclean: new Set(git.unclean) } };
  } catch {
    return undefined;
  }
}
