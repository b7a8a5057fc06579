// What is said over the broker's socket: HTTP/1.1, JSON, version 1. Whatever is not exactly of this shape is refused whole.
import { MODES, type Mode } from "../core/access.ts";
import { fromBase64 } from "./bytes.ts";
import { MAX_TOKEN_BYTES } from "./oidc.ts";

export const MAX_BODY_BYTES = 64 * 1024;
export const MAX_NAMES = 32;
export const MAX_CONNECTIONS = 64;
export const DEADLINE_MS = 10_000;

export interface ResolveBody {
  readonly names: readonly string[];
  readonly mode: Mode;
  /** Given back, so that an answer belongs to its question. */
  readonly nonce: string;
  /** The job's OIDC token, for the broker's audience. */
  readonly token?: string;
  /** Instead of it: a GITHUB_TOKEN and the private repository that it reads. Weaker, and off by default. */
  readonly githubToken?: string;
  readonly repository?: string;
}

export interface PutBody {
  readonly nonce: string;
  readonly token: string;
  readonly credentials: readonly PutCredential[];
}

export interface PutCredential {
  readonly name: string;
  readonly value: Buffer;
  /** `repo`, or a scope as text. */
  readonly scope: string;
  readonly ttlSeconds: number;
}

export type ResolveAnswer =
  | {
      readonly name: string;
      readonly version: number;
      /** base64 */
      readonly value: string;
      readonly notAfter: number | null;
      readonly tag: string;
    }
  | { readonly name: string; readonly denied: "denied" | "expired" | "unavailable" };

export interface ResolveReply {
  readonly v: 1;
  readonly nonce: string;
  /** Number of the audit line; absent if none could be written. */
  readonly audit?: number;
  /** A signed note over the audit log: whoever keeps it is a witness. */
  readonly checkpoint?: string;
  readonly answers: readonly ResolveAnswer[];
}

export interface PutReply {
  readonly v: 1;
  readonly nonce: string;
  readonly audit?: number;
  readonly stored: readonly (
    | { readonly name: string; readonly version: number }
    | { readonly name: string; readonly denied: string }
  )[];
}

export interface HealthReply {
  readonly v: 1;
  readonly id: string;
  /** What a token must be for. */
  readonly audience: string;
}

/** @returns undefined for anything else */
export function parseResolve(text: string): ResolveBody | undefined {
  const body = parseObject(text, ["v", "names", "mode", "nonce", "token", "githubToken", "repository"]);
  if (body === undefined) return undefined;
  const { names, mode, nonce, token, githubToken, repository } = body;
  if (!Array.isArray(names) || names.length === 0 || names.length > MAX_NAMES) return undefined;
  if (!names.every((name) => isText(name, 256)) || new Set(names).size !== names.length) return undefined;
  if (!MODES.includes(mode as Mode) || !isText(nonce, 64)) return undefined;
  const texts = [token, githubToken, repository];
  if (texts.some((t) => t !== undefined && !isText(t, MAX_TOKEN_BYTES + 1))) return undefined;
  return {
    names: names as readonly string[],
    mode: mode as Mode,
    nonce,
    ...(token !== undefined && { token: token as string }),
    ...(githubToken !== undefined && { githubToken: githubToken as string }),
    ...(repository !== undefined && { repository: repository as string }),
  };
}

/** @returns undefined for anything else */
export function parsePut(text: string): PutBody | undefined {
  const body = parseObject(text, ["v", "nonce", "token", "credentials"]);
  const { nonce, token, credentials } = body ?? {};
  if (!isText(nonce, 64) || !isText(token, MAX_TOKEN_BYTES + 1)) return undefined;
  if (!Array.isArray(credentials) || credentials.length === 0 || credentials.length > MAX_NAMES) return undefined;
  const parsed = (credentials as readonly unknown[]).map(parseCredential);
  if (parsed.includes(undefined)) return undefined;
  return { nonce, token, credentials: parsed.filter((c) => c !== undefined) };
}

function parseCredential(entry: unknown): PutCredential | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const { name, value, scope, ttlSeconds } = entry as Readonly<Record<string, unknown>>;
  if (!isText(name, 256) || !isText(value, MAX_BODY_BYTES) || !isText(scope, 1024)) return undefined;
  const bytes = fromBase64(value);
  if (bytes === undefined || typeof ttlSeconds !== "number" || !Number.isFinite(ttlSeconds)) return undefined;
  return { name, value: bytes, scope, ttlSeconds };
}

function parseObject(text: string, known: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  try {
    const body = JSON.parse(text) as unknown;
    if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
    const record = body as Readonly<Record<string, unknown>>;
    return record["v"] === 1 && Object.keys(record).every((key) => known.includes(key)) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxLength;
}
