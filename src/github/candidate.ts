// What the store keeps of an answer: an ActionRecord of preset `github-api` with one `http` observation, whose validator
// names the bytes. Nothing in it says who asked: no token, no hash of one, no tag made with one. A candidate proves
// nothing; a 304 under the caller's own token does. Sealed (seal.ts) before any layer sees it.
import { canonicalJson } from "../core/canonical.ts";
import { type Digest, parseDigest, sha256Of } from "../core/digest.ts";
import type { Action, ActionRecord } from "../core/record.ts";
import type { EpochMs, Hasher } from "../ports.ts";
import { type ResponseHeaders, intern, internList } from "./message.ts";

export interface ApiCandidate {
  /** Of the body. */
  readonly body: Digest;
  readonly sizeBytes: number;
  readonly headers: SafeHeaders;
  /** Members of the Vary lines it came with. */
  readonly vary: readonly string[];
  /** Its own tag followed the rule, so a tag may be computed for another caller. */
  readonly rule: boolean;
  /** Kind of credential that got it ("ghs_", "ghp_", "anonymous", ...): callers of a kind mostly see the same bytes. */
  readonly kind: string;
  /** A full page of a list without a next page: new items would appear behind it without changing it. */
  readonly edge: boolean;
  readonly receivedAt: EpochMs;
}

/** A candidate in this process. */
export interface Held extends ApiCandidate {
  /** The sealed blob that holds it, once it is in the store. */
  stored?: Digest;
}

/** Headers that belong to the bytes. All others come live with the 304. */
export const SAFE_HEADERS = [
  "content-type",
  "link",
  "x-poll-interval",
  "x-github-media-type",
  "last-modified",
  "deprecation",
  "sunset",
] as const;
export type SafeHeaders = Readonly<Partial<Record<(typeof SAFE_HEADERS)[number], string>>>;

export function safeHeaders(headers: ResponseHeaders): SafeHeaders {
  const kept: Record<string, string> = {};
  for (const name of SAFE_HEADERS) {
    const value = headers[name];
    if (value !== undefined) kept[name] = intern(Array.isArray(value) ? value.join(", ") : value);
  }
  return kept;
}

/**
 * One blob: 4 bytes length of the record (big endian), the record, the body. Together, because neither is of use alone and a
 * file costs more than its bytes.
 */
export function encodeCandidate(
  weak: Digest,
  action: Action,
  candidate: ApiCandidate,
  body: Buffer,
  tool: string,
): Buffer {
  const { sizeBytes, headers, vary, rule, kind, edge, receivedAt } = candidate;
  const facts = { sizeBytes, headers: { ...headers }, vary: [...vary], rule, kind, edge };
  const record: ActionRecord = {
    version: 1,
    weak,
    action,
    trace: {
      observations: [{ kind: "http", key: action.argv.join(" "), value: candidate.body, by: "foregone api" }],
      gaps: [],
    },
    result: { exitCode: 0, output: candidate.body, outputs: [], durationMs: 0 },
    provenance: { recordedAt: receivedAt, tool, seal: { facts } },
    optOuts: [],
  };
  const encoded = Buffer.from(canonicalJson(record as never));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(encoded.length);
  return Buffer.concat([length, encoded, body]);
}

const LENGTH_BYTES = 4;

/** @returns undefined for anything that is not exactly such a blob for this search key: a miss, never an error */
export function decodeCandidate(
  hasher: Hasher,
  weak: Digest,
  bytes: Buffer,
): { readonly candidate: ApiCandidate; readonly body: Buffer } | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + bytes.readUInt32BE(0);
  const record = end > bytes.length ? undefined : (parse(bytes.subarray(LENGTH_BYTES, end)) as Partial<ActionRecord>);
  if (record?.version !== 1 || record.weak !== weak) return undefined;
  const body = bytes.subarray(end);
  const digest = parseDigest(String(record.result?.output));
  const receivedAt = record.provenance?.recordedAt;
  const facts = (record.provenance?.seal as { facts?: unknown } | undefined)?.facts;
  if (digest === undefined || typeof receivedAt !== "number" || !isFacts(facts)) return undefined;
  if (facts.sizeBytes !== body.length || sha256Of(hasher, body) !== digest) return undefined;
  const { sizeBytes, headers, vary, rule, kind, edge } = facts;
  const safe = safeHeaders(headers as ResponseHeaders);
  return {
    candidate: { body: digest, sizeBytes, headers: safe, vary: internList(vary), rule, kind, edge, receivedAt },
    body,
  };
}

type Facts = Pick<ApiCandidate, "sizeBytes" | "headers" | "vary" | "rule" | "kind" | "edge">;

function isFacts(value: unknown): value is Facts {
  if (typeof value !== "object" || value === null) return false;
  const { sizeBytes, headers, vary, rule, kind, edge } = value as Partial<Record<keyof Facts, unknown>>;
  return (
    Number.isSafeInteger(sizeBytes) &&
    typeof headers === "object" &&
    headers !== null &&
    Object.values(headers).every((v) => typeof v === "string" && !/[\r\n\0]/.test(v)) &&
    Array.isArray(vary) &&
    vary.every((v) => typeof v === "string") &&
    typeof rule === "boolean" &&
    typeof kind === "string" &&
    typeof edge === "boolean"
  );
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
