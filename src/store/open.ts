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
 * @throws StoreError ENOHOME if the environment names no such place
 */
export function storeRoot(env: Env, cwd: string): string {
  const named = env["FOREGONE_CACHE_DIR"] || env["CACHE_DIR"];
  if (named !== undefined && named !== "") return isAbsolute(named) ? named : `${cwd}/${named}`;
  // The XDG specification: a relative path is invalid and ignored.
  for (const base of [env["XDG_CACHE_HOME"], env["LOCALAPPDATA"]])
    if (base !== undefined && isAbsolute(base)) return `${base}/foregone`;
  const home = env["HOME"] || env["USERPROFILE"];
  if (home !== undefined && isAbsolute(home)) return `${home}/.cache/foregone`;
  throw new StoreError("disk", "ENOHOME", "no place for the store: HOME is not set", "set FOREGONE_CACHE_DIR");
}

/** @throws StoreError with a hint: no place for it, somebody else's folder, a broken key, or an errno */
export function openStore(effects: StoreEffects, env: Env, cwd: string): OpenStore {
  const folder = openFolder(effects, storeRoot(env, cwd).replace(/(?<=.)[/\\]+$/, ""));
  return { folder, store: diskStore(folder) };
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:[/\\]/.test(path);
}
