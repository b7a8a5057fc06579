// A job stores credentials: into scopes of its own, never against what an owner has set there.
import { type AccessRules, decideAccess } from "../core/access.ts";
import { ForegoneError } from "../core/errors.ts";
import { parseScope, type Scope, scopeText } from "../core/scope.ts";
import type { Random } from "../ports.ts";
import { type AuditName, clip } from "./audit-line.ts";
import type { Identified } from "./broker-identify.ts";
import type { PutBody, PutCredential, PutReply } from "./broker-protocol.ts";
import { addVersions, isOwnScope, type NewVersion } from "./changes.ts";
import { versionsOf } from "./model.ts";
import type { OpenStore, Session } from "./session.ts";
import { valueFault } from "./values.ts";
import { nameFault } from "./variable-name.ts";

export interface PutRules {
  /** Repository id -> scopes, as text, beside its own. */
  readonly allow: ReadonlyMap<string, readonly string[]>;
  /** Seconds. */
  readonly maxTtl: number;
  readonly purgeAfter: number;
}

export interface PutContext {
  readonly rules: AccessRules;
  readonly put: PutRules;
  readonly session: { readonly random: Random };
}

export interface PutDone {
  readonly stored: PutReply["stored"];
  readonly opened: OpenStore;
  readonly audit: number | undefined;
}

/** Those that may be stored are, in one write; the others are denied, each with its reason in the log. */
export function putCredentials(
  session: Session,
  store: OpenStore,
  body: PutBody,
  asked: Identified,
  context: PutContext,
): PutDone {
  const now = session.now();
  const judged = body.credentials.map((entry) => ({ entry, verdict: judge(entry, store, asked, context, now) }));
  const refused = judged.flatMap(({ entry, verdict }): AuditName[] =>
    typeof verdict === "string" ? [{ name: clip(entry.name), denied: ["scope-mismatch"], detail: verdict }] : [],
  );
  const actor = { ...asked.actor, assurance: asked.caller.assurance };
  if (refused.length > 0) session.append({ ...actor, action: "put", names: refused });
  const added = judged.flatMap(({ verdict }) => (typeof verdict === "string" ? [] : [verdict]));
  if (added.length === 0)
    return {
      stored: judged.map(({ entry }) => ({ name: entry.name, denied: "denied" })),
      opened: store,
      audit: session.log.state.seq - 1,
    };
  const change = { random: context.session.random, now, purgeAfter: context.put.purgeAfter, actor };
  const { change: next, versions } = addVersions(change, store, "put", added);
  const opened = session.commit(store, next);
  return {
    opened,
    audit: session.log.state.seq - 1,
    stored: judged.map(({ entry, verdict }) => {
      const version = versions.find(
        (v) => v.name === entry.name && v.scope === (typeof verdict === "string" ? undefined : verdict.scope),
      );
      return version === undefined
        ? { name: entry.name, denied: "denied" }
        : { name: entry.name, version: version.version };
    }),
  };
}

function judge(
  entry: PutCredential,
  { state }: OpenStore,
  { caller }: Identified,
  { rules, put }: PutContext,
  now: number,
): NewVersion | string {
  const { repositoryId, eventName } = caller.claims;
  if (caller.assurance !== "oidc" || repositoryId === undefined) return "only a verified job may store";
  if (eventName !== undefined && rules.denyEvents.includes(eventName)) return `event=${eventName}`;
  const scope: Scope | undefined =
    entry.scope === "repo" ? { kind: "repo", id: repositoryId } : parseScope(entry.scope);
  if (scope === undefined) return "no such scope";
  const allowed = put.allow.get(repositoryId)?.includes(scopeText(scope)) === true;
  if (!allowed && !isOwnScope(scope, repositoryId, rules.runner.id)) return `scope=${scopeText(scope)}`;
  if (nameFault(entry.name) !== undefined) return "the name is not allowed";
  const fault = valueFault(entry.value);
  if (fault !== undefined) return `the value is ${fault}`;
  const ttl = Math.floor(entry.ttlSeconds);
  if (ttl <= 0 || ttl > put.maxTtl) return `ttl=${ttl}s`;

  // Whoever may not have the value there may not replace it either, or a branch could plant the token that main deploys with.
  const [existing] = versionsOf(state, entry.name, scope);
  if (existing !== undefined) {
    const still = { ...existing, notBefore: 0, notAfter: null };
    const decision = decideAccess(entry.name, undefined, now, caller, [still], rules);
    if (decision.kind === "deny") return `the credential there: ${decision.reasons.join(" ")}`;
  }
  return {
    name: entry.name,
    scope,
    value: entry.value,
    notBefore: now,
    notAfter: now + ttl,
    rotateAfter: null,
    policy: existing?.policy ?? {},
    othersUntil: now,
  };
}

/** `secrets.allow-put`: repository id -> scopes. @throws ForegoneError E_CONFIG for anything else */
export function parseAllowPut(setting: Readonly<Record<string, readonly string[]>>): PutRules["allow"] {
  return new Map(
    Object.entries(setting).map(([repository, scopes]) => {
      const wrong = [
        ...(/^[0-9]+$/.test(repository) ? [] : [repository]),
        ...scopes.filter((s) => parseScope(s) === undefined),
      ];
      if (wrong.length > 0)
        throw new ForegoneError("E_CONFIG", `secrets.allow-put: "${wrong[0]}" is not an id or scope`, {
          hint: 'secrets.allow-put: {"456": ["owner:123"]}',
        });
      return [repository, scopes];
    }),
  );
}
