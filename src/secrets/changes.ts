// What changes a store: set, rotate, remove, purge. Each yields the next state and the audit lines that announce it; nothing
// here touches a file.
import type { Policy } from "../core/access.ts";
import { ForegoneError } from "../core/errors.ts";
import { repositoryOf, type Scope, scopeText } from "../core/scope.ts";
import type { Random } from "../ports.ts";
import type { AuditEvent, AuditName } from "./audit-line.ts";
import { sealVersion } from "./envelope.ts";
import { scopeKeysOf } from "./keys.ts";
import { attributesOf, currentKey, type StoredVersion, type StoreState } from "./model.ts";
import type { Change, OpenStore } from "./session.ts";
import { segmentCount } from "./store-file.ts";
import { openValue } from "./values.ts";

export interface NewVersion {
  readonly name: string;
  readonly scope: Scope;
  readonly scopeName?: string;
  readonly value: Uint8Array;
  /** Unix seconds; null: no expiry. */
  readonly notBefore: number;
  readonly notAfter: number | null;
  readonly rotateAfter: number | null;
  readonly policy: Policy;
  /** Older versions of the name stay valid until then at most; null: as they are. */
  readonly othersUntil: number | null;
}

export interface ChangeContext {
  readonly random: Random;
  /** Unix seconds. */
  readonly now: number;
  /** Seconds after its end at which a version is deleted. */
  readonly purgeAfter: number;
  readonly actor: Pick<AuditEvent, "assurance" | "actor" | "jti">;
}

export const MAX_VERSIONS = 50_000;

/** A version more of each credential, whether it existed or not. */
export function addVersions(
  context: ChangeContext,
  from: OpenStore,
  action: "set" | "rotate" | "put" | "import",
  added: readonly NewVersion[],
): { readonly change: Change; readonly versions: readonly StoredVersion[] } {
  const { state, master } = from;
  const keys = scopeKeysOf(master, state.storeId);
  const wrapKey = (scope: Scope): Buffer => keys(scope).wrap;
  const versions = [...state.versions];
  // By name and scope, newest last: a look through all of them for each new one would be 10^8 looks for 10,000.
  const places = new Map<string, number[]>();
  const at = ({ name, scope }: Pick<NewVersion, "name" | "scope">): number[] => {
    const key = `${name} ${scopeText(scope)}`;
    const known = places.get(key) ?? [];
    places.set(key, known);
    return known;
  };
  for (const [i, version] of versions.entries()) at(version).push(i);
  for (const known of places.values()) known.sort((i, k) => versionAt(versions, i) - versionAt(versions, k));

  const made: StoredVersion[] = [];
  let seals = 0;
  for (const entry of added) {
    const older = at(entry);
    const until = entry.othersUntil;
    for (const i of older) {
      const version = versions[i];
      if (version === undefined || until === null || (version.notAfter !== null && version.notAfter <= until)) continue;
      versions[i] = reseal(context.random, from, wrapKey, version, Math.max(until, version.notBefore));
      seals += 1;
    }
    const newest = versions[older.at(-1) ?? -1];
    const version = sealNew(context.random, state, wrapKey, entry, newest);
    older.push(versions.push(version) - 1);
    made.push(version);
    seals += 1;
  }
  if (versions.length > MAX_VERSIONS)
    throw new ForegoneError("E_STORE", `more than ${MAX_VERSIONS} versions in one store`, { exitCode: 1 });
  const event: AuditEvent = { ...context.actor, action, names: made.map(auditSet) };
  return { change: finish(context, { ...state, versions }, event, seals), versions: made };
}

function versionAt(versions: readonly StoredVersion[], i: number): number {
  return versions[i]?.version ?? 0;
}

/** @param which undefined: every version of the name in the scope */
export function removeVersions(context: ChangeContext, from: OpenStore, removed: readonly StoredVersion[]): Change {
  const gone = new Set(removed);
  const state = { ...from.state, versions: from.state.versions.filter((v) => !gone.has(v)) };
  return finish(context, state, { ...context.actor, action: "remove", names: removed.map(auditName) }, 0);
}

/** The same value with another end, under a data key of its own. */
function reseal(
  random: Random,
  { state, master }: OpenStore,
  wrapKey: (scope: Scope) => Uint8Array,
  version: StoredVersion,
  notAfter: number,
): StoredVersion {
  const next = { ...version, notAfter };
  const value = openValue(state, master, version);
  const sealed = sealVersion(random, wrapKey(next.scope), next.kid, attributesOf(state.storeId, next), value.reveal());
  value.wipe();
  return { ...next, ...sealed };
}

export function auditName(v: StoredVersion): AuditName {
  return {
    name: v.name,
    scope: scopeText(v.scope),
    version: v.version,
    credentialId: v.credentialId,
    notBefore: v.notBefore,
    notAfter: v.notAfter,
  };
}

/** With its policy: what was allowed is part of what was set. */
function auditSet(v: StoredVersion): AuditName {
  return { ...auditName(v), ...(Object.keys(v.policy).length > 0 && { policy: v.policy }) };
}

function sealNew(
  random: Random,
  state: StoreState,
  wrapKey: (scope: Scope) => Uint8Array,
  entry: NewVersion,
  newest: StoredVersion | undefined,
): StoredVersion {
  const { kid } = currentKey(state);
  const draft = {
    credentialId: newest?.credentialId ?? Buffer.from(random.bytes(8)).toString("hex"),
    name: entry.name,
    scope: entry.scope,
    version: (newest?.version ?? 0) + 1,
    notBefore: entry.notBefore,
    notAfter: entry.notAfter,
    rotateAfter: entry.rotateAfter,
    policy: entry.policy,
    kid,
    ...(entry.scopeName !== undefined && { scopeName: entry.scopeName }),
  };
  const attributes = attributesOf(state.storeId, { ...draft, wrap: EMPTY, value: EMPTY });
  return { ...draft, ...sealVersion(random, wrapKey(entry.scope), kid, attributes, entry.value) };
}

const EMPTY = Buffer.alloc(0);

/** Drops what ended long ago, and counts the seals that writing the state will make. */
function finish(context: ChangeContext, state: StoreState, event: AuditEvent, seals: number): Change {
  const ended = state.versions.filter((v) => v.notAfter !== null && v.notAfter + context.purgeAfter <= context.now);
  const gone = new Set(ended);
  const versions = state.versions.filter((v) => !gone.has(v));
  // A line names at most 32 credentials; the rest of a great purge is its count.
  const purge: AuditEvent = { action: "purge", names: ended.slice(0, 32).map(auditName), count: ended.length };
  const trimmed = trimNames(event);
  return {
    state: countSeals({ ...state, versions }, seals + segmentCount(versions)),
    events: ended.length === 0 ? [trimmed] : [trimmed, purge],
  };
}

function trimNames(event: AuditEvent): AuditEvent {
  const names = event.names ?? [];
  return names.length <= 32 ? event : { ...event, names: names.slice(0, 32), count: names.length };
}

export function countSeals(state: StoreState, added: number): StoreState {
  return {
    ...state,
    keys: state.keys.map((k) => (k.state === "current" ? { ...k, seals: k.seals + added } : k)),
  };
}

/** True if a job of `repositoryId` may store there by itself. */
export function isOwnScope(scope: Scope, repositoryId: string, runnerId: string): boolean {
  if (scope.kind === "runner") return scope.id === runnerId;
  return (scope.kind === "repo" || scope.kind === "workflow") && repositoryOf(scope) === repositoryId;
}
