// Where the store is, and how its layers are put together: the one place that knows.
import { diskStore } from "./disk.ts";
import { openFolder, type StoreEffects, type StoreFolder } from "./folder.ts";
import { type Store, StoreError } from "./store.ts";

export interface OpenStore {
  readonly store: Store;
  /** For what is kept on this machine alone: witnesses, counters, gc, verify. */
  readonly folder: StoreFolder;
}

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Absolute path of the store's root: FOREGONE_CACHE_DIR, else CACHE_DIR, else $XDG_CACHE_HOME/foregone, else
 * ~/.cache/foregone (%LOCALAPPDATA%\foregone on Windows).
 * @returns undefined if the environment names no such place
 */
export function storeRoot(env: Env, cwd: string): string | undefined {
  const named = env["FOREGONE_CACHE_DIR"] || env["CACHE_DIR"];
  if (named !== undefined && named !== "") return isAbsolute(named) ? named : `${cwd}/${named}`;
  const xdg = env["XDG_CACHE_HOME"];
  // The XDG specification: a relative path is invalid and ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return `${xdg}/foregone`;
  const local = env["LOCALAPPDATA"];
  if (local !== undefined && isAbsolute(local)) return `${local}/foregone`;
  const home = env["HOME"] || env["USERPROFILE"];
  return home !== undefined && isAbsolute(home) ? `${home}/.cache/foregone` : undefined;
}

/** @throws StoreError with a hint: no place for it, somebody else's folder, or an errno */
export function openStore(effects: StoreEffects, env: Env, cwd: string): OpenStore {
  const root = storeRoot(env, cwd);
  if (root === undefined)
    throw new StoreError("disk", "ENOHOME", "no place for the store: HOME is not set", "set FOREGONE_CACHE_DIR");
  const folder = openFolder(effects, root.replace(/[/\\]+$/, ""));
  return { folder, store: diskStore(folder) };
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:[/\\]/.test(path);
}
