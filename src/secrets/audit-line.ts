// One line of the audit log: who asked for what, what was decided, and the two fields that tie it to its neighbours. Canonical
// JSON; values never enter. `prev` chains the lines, `mac` is made with a key that is gone once the line is written.
import { createHash, createHmac } from "node:crypto";
import type { Assurance, DenialReason, Mode, Policy } from "../core/access.ts";
import { canonicalJson, type Json } from "../core/canonical.ts";
import { sameBytes } from "./bytes.ts";
import type { StoreMark } from "./chain.ts";

export const AUDIT_ACTIONS = [
  "init",
  "set",
  "get",
  "rotate",
  "rotate-master",
  "remove",
  "purge",
  "exec",
  "resolve",
  "put",
  "export",
  "import",
  "done",
  "abandoned",
  "accepted",
  "restarted",
  "torn",
  "refused",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One name that was asked for or changed. */
export interface AuditName {
  readonly name: string;
  readonly scope?: string;
  readonly version?: number;
  readonly credentialId?: string;
  readonly notBefore?: number;
  readonly notAfter?: number | null;
  /** As set; absent if it says nothing, and in lines that set nothing. */
  readonly policy?: Policy;
  readonly denied?: readonly DenialReason[];
  readonly detail?: string;
}

export interface AuditEvent {
  readonly action: AuditAction;
  readonly assurance?: Assurance;
  /** Ids and names as verified; under `unverified` as claimed by a token that did not verify. */
  readonly actor?: Readonly<Record<string, string>>;
  readonly unverified?: Readonly<Record<string, string>>;
  readonly mode?: Mode;
  readonly names?: readonly AuditName[];
  /** Why nobody got anything, before any name was looked at. */
  readonly denied?: readonly DenialReason[];
  readonly detail?: string;
  /** Identifies a token: it counts once. */
  readonly jti?: string;
  /** The store that is about to be written, or was. */
  readonly store?: StoreMark;
  /** A count, for one line that stands for many. */
  readonly count?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface AuditLine extends AuditEvent {
  readonly seq: number;
  /** Unix seconds, never before the previous line's. */
  readonly time: number;
  readonly prev: string;
  readonly mac: string;
}

/** 32 names with their scopes, and some claims. Longer texts are cut before they get here. */
export const MAX_LINE_BYTES = 32 * 1024;

/** The bytes of one line without its line feed, and their hash. */
export function encodeLine(
  key: Uint8Array,
  seq: number,
  time: number,
  prev: string,
  event: AuditEvent,
): { readonly line: AuditLine; readonly bytes: Buffer } {
  const body = { ...event, seq, time, prev };
  const line: AuditLine = { ...body, mac: macOf(key, body) };
  const bytes = Buffer.from(canonicalJson(line as unknown as Json));
  if (bytes.length > MAX_LINE_BYTES) throw new TypeError(`an audit line of ${bytes.length} bytes`);
  return { line, bytes };
}

/** Authenticity is `isAuthentic`'s to say. @returns undefined for what no writer of ours could have written */
export function parseLine(bytes: Uint8Array): AuditLine | undefined {
  if (bytes.length > MAX_LINE_BYTES) return undefined;
  try {
    const text = Buffer.from(bytes).toString("utf8");
    const line = JSON.parse(text) as AuditLine;
    const { seq, time, action, prev, mac } = line;
    const whole = Number.isSafeInteger(seq) && Number.isSafeInteger(time) && AUDIT_ACTIONS.includes(action);
    if (!whole || typeof prev !== "string" || typeof mac !== "string") return undefined;
    return canonicalJson(line as unknown as Json) === text ? line : undefined;
  } catch {
    return undefined;
  }
}

export function isAuthentic(key: Uint8Array, line: AuditLine): boolean {
  const { mac, ...body } = line;
  // As text, not as the bytes it decodes to: in upper case it would be another line with the same proof.
  return sameBytes(Buffer.from(mac), Buffer.from(macOf(key, body)));
}

export function lineHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Text from outside, fit for a line: at most 200 characters, without control characters. */
export function clip(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/gu, "?").slice(0, 200);
}

function macOf(key: Uint8Array, body: object): string {
  return createHmac("sha256", key)
    .update(canonicalJson(body as Json))
    .digest("hex");
}
