// Why does a version not open? The seals only say that something does not fit; what it was is found by trying what the store and
// its audit log remember: a field that, put back, makes the seal fit is the field that was changed. That is proof, not a guess.
import type { AuditName } from "./audit-line.ts";
import { type Attributes, openVersion, shortValueTag } from "./envelope.ts";
import { scopeKeys } from "./keys.ts";
import { attributesOf, type StoredVersion, type StoreState } from "./model.ts";
import { parseScope } from "../core/scope.ts";

/** Tries at most so many values of one field. */
const MAX_CANDIDATES = 2000;

export type Tampering =
  | "cut-short"
  | "short-tag"
  | "swapped"
  | "renamed"
  | "re-scoped"
  | "version-changed"
  | "start-changed"
  | "expiry-changed"
  | "policy-changed"
  | "value-replaced"
  | "altered";

export interface Explanation {
  readonly kind: Tampering;
  /** One lower-case line, without values. */
  readonly text: string;
}

const FIELDS = [
  ["name", "renamed", "its name was"],
  ["version", "version-changed", "its version was"],
  ["notBefore", "start-changed", "its start was"],
  ["notAfter", "expiry-changed", "its end was"],
  ["policy", "policy-changed", "its policy was"],
] as const;

/** @param history names of the audit log: what versions were when they were set */
export function explainFault(
  state: StoreState,
  master: Uint8Array,
  version: StoredVersion,
  history: Iterable<AuditName>,
): Explanation {
  const now = attributesOf(state.storeId, version);
  const opens = (attributes: Attributes): boolean => {
    const { wrap } = scopeKeys(master, state.storeId, attributes.scopeKind, attributes.scopeId);
    const value = openVersion(wrap, version.kid, attributes, version);
    if (typeof value !== "string") value.fill(0);
    // A wrapped key that opens under these attributes belongs to them, whatever became of the value beside it.
    return typeof value !== "string" || value.startsWith("value-");
  };
  const { wrap } = scopeKeys(master, state.storeId, now.scopeKind, now.scopeId);
  const fault = openVersion(wrap, version.kid, now, version);
  if (fault === "wrap-length" || fault === "wrap-too-short" || fault === "value-too-short")
    return { kind: "cut-short", text: "its sealed text was cut short" };
  if (fault === "value-not-authentic") {
    const left = shortValueTag(wrap, version.kid, now, version);
    return left === undefined
      ? { kind: "value-replaced", text: "its value was altered, cut, or is another version's" }
      : { kind: "short-tag", text: `the tag of its value was cut to ${left} bytes` };
  }

  const known = [...candidates(state, version, history)].slice(0, MAX_CANDIDATES);
  for (const other of known)
    if (other.credentialId !== now.credentialId && opens({ ...now, ...other }))
      return { kind: "swapped", text: `its seal belongs to ${other.name} v${other.version}` };
  for (const other of known) {
    if (opens({ ...now, scopeKind: other.scopeKind, scopeId: other.scopeId }))
      return { kind: "re-scoped", text: `its scope was ${other.scopeKind}:${other.scopeId}` };
    for (const [field, kind, words] of FIELDS)
      if (opens({ ...now, [field]: other[field] }))
        return {
          kind,
          text: `${words} ${field === "policy" ? JSON.stringify(other.policy) : String(other[field] ?? "none")}`,
        };
  }
  return { kind: "altered", text: "its seal was altered, or more than one field was" };
}

function* candidates(
  state: StoreState,
  version: StoredVersion,
  history: Iterable<AuditName>,
): Generator<Omit<Attributes, "storeId">> {
  for (const other of state.versions) if (other !== version) yield attributesOf(state.storeId, other);
  const seen = new Set<string>();
  for (const entry of history) {
    const scope = parseScope(entry.scope ?? "");
    const text = JSON.stringify(entry);
    if (scope === undefined || entry.version === undefined || seen.has(text)) continue;
    seen.add(text);
    yield {
      credentialId: entry.credentialId ?? "",
      name: entry.name,
      scopeKind: scope.kind,
      scopeId: scope.id,
      version: entry.version,
      notBefore: entry.notBefore ?? 0,
      notAfter: entry.notAfter ?? null,
      policy: entry.policy ?? {},
    };
  }
}
