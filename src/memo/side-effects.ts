// Which writes outside the workspace a skip may leave undone. Temporary folders are nobody's result; caches only save time.
// Anything else outside the workspace is a side effect that a replay would not repeat: a gap.
import { type InputPath, inWorkspace } from "../core/input-path.ts";

export type WriteClass = "output" | "cache" | "temporary" | "log" | "repository" | "elsewhere";

const TEMPORARY = ["/tmp", "/var/tmp", "/dev/shm", "/run/user", "/proc", "/dev", "$TEMP"];

/** Folders whose loss costs time only; tools say so themselves (XDG base directory specification; npm, cargo, Go, Gradle docs). */
const CACHES = [
  "$HOME/.cache",
  "$HOME/.npm",
  "$HOME/.cargo/registry",
  "$HOME/.cargo/git",
  "$HOME/go/pkg",
  "$HOME/.gradle/caches",
  "$HOME/.m2/repository",
  "$HOME/.node-gyp",
  "$HOME/.ccache",
  "$HOME/.local/share/pnpm/store",
];

/**
 * Written on every run and read back by their own program only to tidy up: comparing them would end all reuse.
 * npm lists its logs to delete old ones, and notes when it last looked for a newer npm.
 */
const LOGS = ["$HOME/.npm/_logs", "$HOME/.npm/_update-notifier-last-checked"];

export function classifyWrite(path: InputPath): WriteClass {
  if (isLog(path)) return "log";
  if (inWorkspace(path)) return isBelow(path, ".git") ? "repository" : "output";
  if (TEMPORARY.some((folder) => isBelow(path, folder))) return "temporary";
  return CACHES.some((folder) => isBelow(path, folder)) ? "cache" : "elsewhere";
}

export function isLog(path: InputPath): boolean {
  return LOGS.some((folder) => isBelow(path, folder));
}

export function isTemporary(path: InputPath): boolean {
  return TEMPORARY.some((folder) => isBelow(path, folder));
}

/** What git rewrites when it only looks: the refreshed index, its locks. Nobody's result. */
export function isGitBookkeeping(path: InputPath): boolean {
  return path === ".git" || path === ".git/index" || (path.startsWith(".git/") && path.endsWith(".lock"));
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
