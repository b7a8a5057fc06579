// Cache service v2 (github.actions.results.api.v1.CacheService), as @actions/cache 6.3.0 speaks it: scopes and rights come from
// the runtime token; an entry cannot be changed; a search goes through the scopes in order, newest first.
import type { Blobs } from "./blobs.ts";
import type { RuntimeToken } from "./token.ts";

export interface CacheRow {
  readonly id: number;
  readonly scope: string;
  readonly key: string;
  readonly version: string;
  readonly blob: string;
  sizeBytes: number;
  finalized: boolean;
}

export type Twirp = { readonly status: number; readonly json: unknown };

export class CacheService {
  readonly rows: CacheRow[] = [];
  readonly #blobs: Blobs;
  readonly #origin: () => string;

  constructor(blobs: Blobs, origin: () => string) {
    this.#blobs = blobs;
    this.#origin = origin;
  }

  call(method: string, token: RuntimeToken, body: Readonly<Record<string, unknown>>): Twirp {
    const { key, version } = body as { key: string; version: string };
    if (typeof key !== "string" || key.length > 512 || key.includes(",")) return twirp(400, "invalid_argument", "key");
    if (method === "GetCacheEntryDownloadURL") return this.#find(token, body);
    const own = token.scopes[0];
    if (own?.write !== true)
      return { status: 200, json: { ok: false, message: "cache write denied: token is read-only" } };
    const row = this.rows.find((r) => r.scope === own.scope && r.key === key && r.version === version);
    if (method === "CreateCacheEntry") {
      if (row !== undefined)
        return twirp(409, "already_exists", "cache entry with the same key, version, and scope already exists");
      const id = this.rows.length + 1;
      const blob = `cache-${id}`;
      this.rows.push({ id, scope: own.scope, key, version, blob, sizeBytes: 0, finalized: false });
      return { status: 200, json: { ok: true, signed_upload_url: this.#origin() + this.#blobs.sign(blob) } };
    }
    if (method !== "FinalizeCacheEntryUpload") return twirp(404, "bad_route", method);
    const bytes = row && this.#blobs.value(row.blob);
    if (row === undefined || bytes === undefined || String(bytes.length) !== body["size_bytes"])
      return { status: 200, json: { ok: false, message: "no such upload, or of another size" } };
    row.finalized = true;
    row.sizeBytes = bytes.length;
    return { status: 200, json: { ok: true, entry_id: String(row.id) } };
  }

  #find(token: RuntimeToken, body: Readonly<Record<string, unknown>>): Twirp {
    const { key, version, restore_keys } = body as { key: string; version: string; restore_keys?: string[] };
    const readable = token.scopes.filter(({ read }) => read);
    if (readable.length === 0) return twirp(403, "permission_denied", "cache read denied: no readable scope");
    const newestFirst = this.rows.toReversed().filter((row) => row.finalized && row.version === version);
    for (const { scope } of readable) {
      const here = newestFirst.filter((row) => row.scope === scope);
      const found =
        here.find((row) => row.key === key) ??
        [key, ...(restore_keys ?? [])]
          .map((prefix) => here.find((row) => row.key.startsWith(prefix)))
          .find((row) => row !== undefined);
      if (found === undefined) continue;
      const url = this.#origin() + this.#blobs.sign(found.blob);
      return { status: 200, json: { ok: true, signed_download_url: url, matched_key: found.key } };
    }
    return { status: 200, json: { ok: false, signed_download_url: "", matched_key: "" } };
  }
}

export function twirp(status: number, code: string, msg: string): Twirp {
  return { status, json: { code, msg } };
}
