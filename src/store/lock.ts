// A lock file: keeps apart those who tidy up. Nothing that must be right depends on it: breaking a stale one is not exact, since its
// holder may only have been asleep, so two holders must at worst lose work, never damage anything.
import type { StoreFolder } from "./folder.ts";

/** Compactions take milliseconds; gc touches its lock as it goes. */
const STALE_MS = 60_000;

/** @returns false if somebody holds it */
export function acquire({ files, clock }: StoreFolder, path: string): boolean {
  const held = files.stat(path);
  if (held !== undefined) {
    if (clock.now() - held.mtimeMs < STALE_MS) return false;
    files.unlink(path);
  }
  try {
    files.close(files.create(path));
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") return false;
    throw error;
  }
}
