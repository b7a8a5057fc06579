// The runner's cache service v2 and artifact service v4: twirp over JSON, and blob storage behind signed URLs. As captured from
// @actions/cache 6.3.0 and @actions/artifact 6.2.1; why not those: docs/decisions/0037-own-cache-client.md. Signed URLs are
// secrets: none is ever in a message.
import { createHash } from "node:crypto";
import { StoreError } from "../store.ts";
import { type Answer, exchange, type HttpParts, jsonObject } from "./http.ts";

/** As the official client computes it from a path and a compression, so that it finds ours: joined by "|", with its salt. */
export const CACHE_VERSION = createHash("sha256").update("foregone-records-1|zstd-without-long|1.0").digest("hex");
/** One PUT takes so much; more would have to be sent in blocks. */
export const MAX_UPLOAD_BYTES = 128 * 1024 * 1024;
const MAX_ANSWER_BYTES = 64 * 1024;
const SERVICES = "twirp/github.actions.results.api.v1";

export interface ServiceParts extends HttpParts {
  /** Origin of ACTIONS_RESULTS_URL, and ACTIONS_RUNTIME_TOKEN. */
  readonly url: string;
  readonly token: string;
}

export interface FoundEntry {
  readonly key: string;
  /** A secret, good for some minutes. */
  readonly url: string;
}

/** @returns the newest entry whose key is `key` or begins with it, in the first readable scope that has one */
export async function findCache(parts: ServiceParts, key: string): Promise<FoundEntry | undefined> {
  const answer = await call(parts, "CacheService", "GetCacheEntryDownloadURL", {
    key,
    restore_keys: [],
    version: CACHE_VERSION,
  });
  if (answer["ok"] !== true) return undefined;
  const { signed_download_url: url, matched_key: matched } = answer;
  if (typeof matched !== "string" || !matched.startsWith(key)) throw garbage(parts.layer);
  return { key: matched, url: httpUrl(parts.layer, url) };
}

/** @returns false if the key is taken. @throws StoreError "read-only" if the token may not write */
export async function saveCache(parts: ServiceParts, key: string, bytes: Uint8Array): Promise<boolean> {
  const entry = { key, version: CACHE_VERSION };
  const created = await call(parts, "CacheService", "CreateCacheEntry", entry, 409);
  if (created["code"] === "already_exists") return false;
  if (created["ok"] !== true) throw refusal(parts.layer, created["message"]);
  await upload(parts, created["signed_upload_url"], bytes);
  const size = { size_bytes: String(bytes.length) };
  const done = await call(parts, "CacheService", "FinalizeCacheEntryUpload", { ...entry, ...size });
  if (done["ok"] !== true) throw refusal(parts.layer, done["message"]);
  return true;
}

/**
 * @param expiresAt RFC 3339; default: as the repository has it
 * @returns false if this run has an artifact of that name already
 */
export async function saveArtifact(
  parts: ServiceParts,
  name: string,
  zip: Uint8Array,
  expiresAt?: string,
): Promise<boolean> {
  const ids = backendIds(parts.token);
  if (ids === undefined) throw new StoreError(parts.layer, "token", "the runtime token names no run");
  const [, run, job] = ids;
  const artifact = { workflow_run_backend_id: run, workflow_job_run_backend_id: job, name };
  const request = {
    ...artifact,
    version: 7,
    mime_type: "application/zip",
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
  };
  const created = await call(parts, "ArtifactService", "CreateArtifact", request, 409);
  if (created["code"] === "already_exists") return false;
  if (created["ok"] !== true) throw refusal(parts.layer, created["msg"]);
  await upload(parts, created["signed_upload_url"], zip, "application/zip");
  const hash = `sha256:${createHash("sha256").update(zip).digest("hex")}`;
  const done = await call(parts, "ArtifactService", "FinalizeArtifact", {
    ...artifact,
    size: String(zip.length),
    hash,
  });
  if (done["ok"] !== true) throw refusal(parts.layer, done["msg"]);
  return true;
}

/** @returns undefined: nothing is there any more */
export async function download(parts: HttpParts, url: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const answer = await exchange(parts, url, { method: "GET", maxBytes });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw failed(parts.layer, answer);
  return answer.body;
}

/** Cache scopes that the runtime token may read, in the order they are searched; empty if it does not say. */
export function readableScopes(token: string): readonly string[] {
  const ac = claimsOf(token)?.["ac"];
  try {
    const scopes: unknown = typeof ac === "string" ? JSON.parse(ac) : undefined;
    if (!Array.isArray(scopes)) return [];
    return scopes.flatMap((scope: { Scope?: unknown; Permission?: unknown } | null) =>
      typeof scope?.Scope === "string" && typeof scope.Permission === "number" && (scope.Permission & 1) !== 0
        ? [scope.Scope]
        : [],
    );
  } catch {
    return [];
  }
}

function backendIds(token: string): RegExpExecArray | undefined {
  const scp = claimsOf(token)?.["scp"];
  return (typeof scp === "string" && /(?:^| )Actions\.Results:([^: ]+):([^: ]+)/.exec(scp)) || undefined;
}

/** Not verified: it is our own token, and what it says is only asked to know what will be refused. */
function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const body = Buffer.from(token.split(".")[1] ?? "", "base64url");
  return jsonObject({ body });
}

async function call(
  parts: ServiceParts,
  service: string,
  method: string,
  body: Readonly<Record<string, unknown>>,
  alsoStatus?: number,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await exchange(parts, `${parts.url}/${SERVICES}.${service}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${parts.token}` },
    body: JSON.stringify(body),
    maxBytes: MAX_ANSWER_BYTES,
  });
  if (answer.status !== 200 && answer.status !== alsoStatus) throw failed(parts.layer, answer);
  const object = jsonObject(answer);
  if (object === undefined) throw garbage(parts.layer);
  return object;
}

async function upload(parts: HttpParts, url: unknown, bytes: Uint8Array, type?: string): Promise<void> {
  const answer = await exchange(parts, httpUrl(parts.layer, url), {
    method: "PUT",
    headers: {
      "x-ms-blob-type": "BlockBlob",
      "content-type": type ?? "application/octet-stream",
      ...(type !== undefined && { "x-ms-blob-content-type": type }),
    },
    body: bytes,
    maxBytes: MAX_ANSWER_BYTES,
  });
  if (answer.status !== 201) throw failed(parts.layer, answer);
}

/** The status, and what the service says of it if that is one short line. */
export function failed(layer: string, answer: Answer): StoreError {
  const { message, msg } = jsonObject(answer) ?? {};
  const said = [message, msg].find((text) => typeof text === "string" && /^[\x20-\x7e]{1,200}$/.test(text)) as
    | string
    | undefined;
  const text = `${layer} answered ${answer.status}${said === undefined ? "" : `: ${said}`}`;
  return new StoreError(layer, String(answer.status), text);
}

function refusal(layer: string, message: unknown): StoreError {
  const denied = typeof message === "string" && message.startsWith("cache write denied");
  return denied
    ? new StoreError(layer, "read-only", `${layer}: this job may only read`)
    : new StoreError(layer, "refused", `${layer} refused`);
}

export function garbage(layer: string): StoreError {
  return new StoreError(layer, "garbage", `${layer} gave an answer of another kind`);
}

function httpUrl(layer: string, url: unknown): string {
  if (typeof url !== "string" || !/^https?:\/\//.test(url) || !URL.canParse(url)) throw garbage(layer);
  return url;
}
