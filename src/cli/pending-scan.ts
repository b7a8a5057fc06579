// What a decision saw, kept for the `store` that follows the scan: a changed input is only seen by comparing.
import { gunzipSync, gzipSync } from "node:zlib";
import type { GitSource } from "../codeql/git-source.ts";
import type { ScanKey } from "../codeql/scan-key.ts";
import { nodeFiles, nodeHasher } from "../node/ports.ts";
import { Unreadable } from "../ports.ts";
import { writeWhole } from "./commands/sarif-files.ts";
import type { ScanShell } from "./scan-shell.ts";
import { effects } from "./wiring.ts";

export interface Pending {
  readonly at: number;
  readonly git: GitSource;
}

export function savePending(shell: ScanShell, key: ScanKey, git: GitSource): void {
  const pending = { at: effects.clock.now(), git: { ...git, entries: [...git.entries], unclean: [...git.unclean] } };
  try {
    shell.folder.files.mkdir(`${shell.folder.path}/pending-scans`);
    writeWhole(pendingPath(shell, key), gzipSync(JSON.stringify(pending), { level: 1 }));
  } catch {
    // Then `store` compares the source with itself.
  }
}

export function loadPending(shell: ScanShell, key: ScanKey): Pending | undefined {
  const bytes = nodeFiles.read(pendingPath(shell, key));
  if (bytes === undefined || bytes instanceof Unreadable) return undefined;
  try {
    const pending = JSON.parse(gunzipSync(bytes, { maxOutputLength: 512 * 1024 * 1024 }).toString()) as {
      at: number;
      git: Omit<GitSource, "entries" | "unclean"> & { entries: [string, string][]; unclean: string[] };
    };
    const { git } = pending;
    return { at: pending.at, git: { ...git, entries: new Map(git.entries), unclean: new Set(git.unclean) } };
  } catch {
    return undefined;
  }
}

function pendingPath(shell: ScanShell, key: ScanKey): string {
  return `${shell.folder.path}/pending-scans/${nodeHasher.sha256(`${shell.checkout}\0${key.family}`).slice(0, 32)}`;
}
