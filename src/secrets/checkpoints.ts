// Keeping checkpoints: when one is due, and folders that receive them. One file a store and folder, notes appended.
import fs from "node:fs";
import { join } from "node:path";
import type { AuditLog } from "./audit-log.ts";
import { type Checkpoint, type CheckpointKey, makeCheckpoint, readCheckpoint } from "./checkpoint.ts";

export interface CheckpointPlan {
  /** Lines. */
  readonly every: number;
  /** Seconds. */
  readonly interval: number;
  /** Absolute folders, best on another machine. */
  readonly folders: readonly string[];
}

/**
 * Writes one if it is due.
 * @returns folders that could not be written: for the log of the caller, never a failure of its work
 */
export function keepCheckpoint(
  log: AuditLog,
  key: () => CheckpointKey,
  { every, interval, folders }: CheckpointPlan,
  nowSeconds: number,
): readonly string[] {
  const { seq, tree, checkpoint } = log.state;
  const due = seq - checkpoint.size >= every || (seq > checkpoint.size && nowSeconds - checkpoint.time >= interval);
  if (folders.length === 0 || !due) return [];
  const made = key();
  const note = makeCheckpoint(made, tree);
  const failed = folders.filter((folder) => {
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      fs.appendFileSync(join(folder, fileName(made.origin)), `${note}\n`, { mode: 0o600 });
      return false;
    } catch {
      return true;
    }
  });
  if (failed.length < folders.length) log.markCheckpoint(nowSeconds);
  return failed;
}

/** Every note of these files that one of the keys signed; `unread`: texts that are no such note. */
export function readCheckpoints(
  paths: readonly string[],
  publicTexts: readonly string[],
): { readonly checkpoints: readonly Checkpoint[]; readonly unread: number } {
  let unread = 0;
  const checkpoints = paths.flatMap((path) =>
    (fs.readFileSync(path, "utf8").match(/[^\n]+\n[0-9]+\n[^\n]+\n\n\u2014 [^\n]+\n/g) ?? []).flatMap((note) => {
      const read = readCheckpoint(note, publicTexts);
      if (read === undefined) unread += 1;
      return read === undefined ? [] : [read];
    }),
  );
  return { checkpoints, unread };
}

/** The files that `keepCheckpoint` wrote for a store, as far as they are there. */
export function checkpointFiles(folders: readonly string[], origin: string): readonly string[] {
  return folders.map((folder) => join(folder, fileName(origin))).filter((path) => fs.existsSync(path));
}

function fileName(origin: string): string {
  return `${origin.replaceAll("/", "-")}.checkpoints`;
}
