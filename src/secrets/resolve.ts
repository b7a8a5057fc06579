// Names -> values for one verified caller: decide, write it down, then open. Shared by the broker, the command line and the
// action, so that there is one order of these three.
import {
  type AccessDecision,
  type AccessRules,
  type Caller,
  decideAccess,
  type DenialReason,
  type Mode,
  toldReason,
} from "../core/access.ts";
import { type ErrorCode, ForegoneError } from "../core/errors.ts";
import { type AuditEvent, type AuditName, clip } from "./audit-line.ts";
import { readAuditLines } from "./audit-read.ts";
import { auditName } from "./changes.ts";
import { observationTag, observeKey } from "./keys.ts";
import type { StoredVersion } from "./model.ts";
import type { SecretValue } from "./secret-value.ts";
import type { OpenStore, Session } from "./session.ts";
import { explainFault } from "./tamper.ts";
import { openValue } from "./values.ts";

export interface ResolveRequest {
  readonly action: "resolve" | "exec" | "get";
  readonly names: readonly string[];
  /** undefined: the owner's own eyes. */
  readonly mode: Mode | undefined;
  readonly caller: Caller;
  readonly rules: AccessRules;
  /** What the log says of the caller. */
  readonly actor: Pick<AuditEvent, "actor" | "unverified" | "jti">;
  /** One version by number, for its owner. */
  readonly version?: number;
  /** Asked when all is denied: true lets it pass without a line of its own (a flood). */
  readonly quiet?: () => boolean;
}

export interface Granted {
  readonly name: string;
  readonly version: StoredVersion;
  /** To be wiped by the caller. */
  readonly value: SecretValue;
  /** Names this version wherever its value must not be: see `observationTag`. */
  readonly tag: string;
}

export interface Refused {
  readonly name: string;
  readonly reasons: readonly [DenialReason, ...DenialReason[]];
  /** What a caller may hear. */
  readonly denied: "denied" | "expired" | "unavailable";
}

export interface Resolved {
  /** Number of the audit line; none for one denial of a flood. */
  readonly audit: number | undefined;
  readonly answers: readonly (Granted | Refused)[];
}

/** @throws ForegoneError E_STORE: the line could not be written, so nothing was opened */
export function resolveNames(session: Session, store: OpenStore, request: ResolveRequest): Resolved {
  const { state, master } = store;
  const { mode, caller, rules, version } = request;
  const now = session.now();
  const versions = version === undefined ? state.versions : state.versions.filter((v) => v.version === version);
  const decided = request.names.map((name) => ({
    name,
    decision: decideAccess(name, mode, now, caller, versions, rules),
  }));
  const denied = decided.every(({ decision }) => decision.kind === "deny");
  if (denied && request.quiet?.() === true) return { audit: undefined, answers: decided.flatMap(refusal) };
  const names = decided.map(({ name, decision }): AuditName => {
    if (decision.kind === "grant") return auditName(decision.version);
    const { reasons, detail } = decision;
    return { name: clip(name), denied: reasons, ...(detail !== undefined && { detail: clip(detail) }) };
  });
  const [line] = session.append({
    ...request.actor,
    action: request.action,
    assurance: caller.assurance,
    ...(mode !== undefined && { mode }),
    names,
  });

  const tags = observeKey(master, state.storeId);
  const answers = decided.map(({ name, decision }): Granted | Refused => {
    if (decision.kind === "deny") return refused(name, decision.reasons);
    const granted = decision.version;
    try {
      const value = openValue(state, master, granted);
      return { name, version: granted, value, tag: observationTag(tags, granted.credentialId, granted.version) };
    } catch (error) {
      if (!(error instanceof ForegoneError)) throw error;
      const history = [...readAuditLines(session.context.folder)].flatMap((l) => l.names ?? []);
      const { kind, text } = explainFault(state, master, granted, history);
      const faulty: AuditName = { ...auditName(granted), denied: ["store-damaged"], detail: clip(`${kind}: ${text}`) };
      session.append({ action: "refused", names: [faulty] });
      return refused(name, ["store-damaged"]);
    }
  });
  return { audit: line?.seq, answers };
}

function refusal({ name, decision }: { name: string; decision: AccessDecision }): Refused[] {
  return decision.kind === "deny" ? [refused(name, decision.reasons)] : [];
}

export function isGranted(answer: Granted | Refused): answer is Granted {
  return "value" in answer;
}

export function refused(name: string, reasons: readonly [DenialReason, ...DenialReason[]]): Refused {
  return { name, reasons, denied: toldReason(reasons) };
}

/** Why a store that cannot be used gives nothing. */
export function storeReason(code: ErrorCode): DenialReason {
  switch (code) {
    case "E_KEY":
      return "key-unavailable";
    case "E_ROLLED_BACK":
      return "store-rolled-back";
    case "E_DAMAGED":
    case "E_UNSAFE":
      return "store-damaged";
    default:
      return "audit-unwritable";
  }
}
