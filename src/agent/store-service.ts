// The store as the agent serves it: whatever layers the agent has (memory above disk, peers, shared stores), over its socket.
// Bytes are hashed by who receives them, on either side; who can reach the socket is the user whose store it is.
import { type Digest, parseDigest, sha256Of } from "../core/digest.ts";
import type { EpochMs, Hasher } from "../ports.ts";
import type { Metrics } from "../report/metrics.ts";
import { type RecordEntry, type Store, StoreError } from "../store/store.ts";
import { type Call, readBody, type Route, send, sendJson } from "./routes.ts";
import type { Service } from "./service.ts";

/** A value of the store is an output of a command: 64 MiB is the limit of what a skip restores. */
export const MAX_BLOB_BYTES = 64 * 1024 * 1024;
const MAX_JSON_BYTES = 8 * 1024 * 1024;
/** 10,000 digests x 75 B = 750 kB. */
export const MAX_DIGESTS = 10_000;

export interface StoreServiceOptions {
  readonly store: Store;
  readonly hasher: Hasher;
  /** One line: what the layers answered. */
  readonly detail?: () => string;
  readonly counted?: () => Metrics;
}

export function storeService({ store, hasher, detail, counted }: StoreServiceOptions): Service {
  return {
    name: "store",
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    status: () => ({ state: "up", detail: detail?.() ?? store.name }),
    routes: storeRoutes(store, hasher),
    ...(counted && { counted }),
  };
}

function storeRoutes(store: Store, hasher: Hasher): readonly Route[] {
  const answer = (handle: (call: Call) => Promise<void>): Route["handle"] => {
    return async (call) => {
      try {
        await handle(call);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        sendJson(call.response, 503, { layer: error.layer, code: error.code, error: error.message });
      }
    };
  };
  return [
    {
      method: "GET",
      path: "/v1/blobs/",
      handle: answer(async ({ rest, response }) => {
        const digest = parseDigest(rest);
        const bytes = digest === undefined ? undefined : await store.blobs.get(digest);
        if (bytes === undefined) sendJson(response, 404, { error: "no such blob" });
        else send(response, 200, "application/octet-stream", bytes);
      }),
    },
    {
      method: "POST",
      path: "/v1/blobs/",
      handle: answer(async ({ rest, request, response }) => {
        const bytes = await readBody(request, MAX_BLOB_BYTES);
        if (bytes === undefined) return sendJson(response, 413, { error: "cut, or larger than 64 MiB" });
        if (sha256Of(hasher, bytes) !== rest)
          return sendJson(response, 400, { error: "these bytes have another digest" });
        sendJson(response, 200, { digest: await store.blobs.put(bytes) });
      }),
    },
    {
      method: "POST",
      path: "/v1/missing",
      handle: answer(async ({ request, response }) => {
        const digests = digestsOf(await jsonBody(request));
        if (digests === undefined) return sendJson(response, 400, { error: "want a list of at most 10,000 digests" });
        sendJson(response, 200, await store.blobs.findMissing(digests));
      }),
    },
    {
      method: "GET",
      path: "/v1/records/",
      handle: answer(async ({ rest, response }) => {
        const weak = parseDigest(rest);
        sendJson(response, 200, weak === undefined ? [] : await store.records.lookup(weak));
      }),
    },
    {
      method: "POST",
      path: "/v1/records/",
      handle: answer(async ({ rest, request, response }) => {
        const weak = parseDigest(rest);
        const entry = parseEntry(await jsonBody(request));
        if (weak === undefined || entry === undefined) return sendJson(response, 400, { error: "want an entry" });
        await store.records.append(weak, entry);
        sendJson(response, 200, {});
      }),
    },
  ];
}

async function jsonBody(request: Call["request"]): Promise<unknown> {
  const body = await readBody(request, MAX_JSON_BYTES);
  try {
    return body === undefined ? undefined : (JSON.parse(body.toString()) as unknown);
  } catch {
    return undefined;
  }
}

function digestsOf(value: unknown): readonly Digest[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_DIGESTS) return undefined;
  const digests = value.map((each) => (typeof each === "string" ? parseDigest(each) : undefined));
  return digests.every((digest) => digest !== undefined) ? digests : undefined;
}

/** @returns undefined for anything that is not exactly an entry: a malformed one is a miss */
export function parseEntry(value: unknown): RecordEntry | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pathSet, strong, record, recordedAt, disowned, via } = value as Record<string, unknown>;
  const digests = digestsOf([pathSet, strong, record]);
  if (digests === undefined || !Number.isSafeInteger(recordedAt) || (disowned !== undefined && disowned !== true))
    return undefined;
  const [a, b, c] = digests as [Digest, Digest, Digest];
  return {
    pathSet: a,
    strong: b,
    record: c,
    recordedAt: recordedAt as EpochMs,
    ...(disowned === true && { disowned }),
    // Whoever reads it must know that nobody here vouches for it.
    ...(via !== undefined && { via: typeof via === "string" ? via.slice(0, 64) : "?" }),
  };
}
