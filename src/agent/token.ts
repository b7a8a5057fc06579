// The key of the dashboard: made once, kept in the store's folder, readable by its owner alone.
import { readFileSync } from "node:fs";
import type { StoreFolder } from "../store/folder.ts";
import { writeWhole } from "../store/folder.ts";

const SHAPE = /^[\w-]{43}$/;

/** 256 bits as base64url. The same for every agent of this store, so that an open page survives a restart. */
export async function dashboardToken(folder: StoreFolder): Promise<string> {
  const path = `${folder.path}/dashboard-token`;
  const known = read(path);
  if (known !== undefined) return known;
  const token = Buffer.from(folder.random.bytes(32)).toString("base64url");
  await writeWhole(folder, path, new TextEncoder().encode(token), "durable");
  // Of two that start at once the later file stands.
  return read(path) ?? token;
}

function read(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return SHAPE.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
