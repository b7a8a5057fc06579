// What `foregone secrets list --json` and `secrets audit --json` say, as the dashboard and the metrics want it. Times of the
// store are seconds, those of the page milliseconds.
import type { CredentialsPanel } from "../dashboard/panels.ts";
import { type Metrics, seriesOf } from "../report/metrics.ts";
import type { AuditLine } from "../secrets/audit-line.ts";

/** One version of a credential. */
export interface Credential {
  readonly name: string;
  readonly version: number;
  readonly credentialId: string;
  readonly scope: string;
  readonly scopeName?: string;
  readonly notBefore: number;
  readonly notAfter: number | null;
}

type State = CredentialsPanel["credentials"][number]["state"];

function stateOf({ notBefore, notAfter }: Credential, nowMs: number): State {
  const now = Math.floor(nowMs / 1000);
  if (notAfter !== null && now >= notAfter) return "expired";
  return notBefore > now ? "not-yet-valid" : "active";
}

/** A credential is active if any of its versions is; expired if it has only such. */
export function credentialStates(credentials: readonly Credential[], nowMs: number): Metrics {
  const states = new Map<string, Set<State>>();
  for (const each of credentials) {
    const known = states.get(each.credentialId) ?? new Set();
    states.set(each.credentialId, known.add(stateOf(each, nowMs)));
  }
  const count = (matches: (of: Set<State>) => boolean): number => [...states.values()].filter(matches).length;
  return {
    [seriesOf("foregone_credentials", { state: "active" })]: count((of) => of.has("active")),
    [seriesOf("foregone_credentials", { state: "expired" })]: count((of) => of.size === 1 && of.has("expired")),
  };
}

export interface PanelSources {
  readonly credentials: readonly Credential[];
  readonly audit: readonly unknown[];
  readonly off?: string;
}

export function panelOf({ credentials, audit, off }: PanelSources, nowMs: number): CredentialsPanel {
  return {
    ...(off !== undefined && { off }),
    credentials: credentials.map((each) => ({
      name: each.name,
      scope: each.scopeName === undefined ? each.scope : `${each.scope} (${each.scopeName})`,
      version: each.version,
      state: stateOf(each, nowMs),
      expiresAt: each.notAfter === null ? null : each.notAfter * 1000,
    })),
    audit: (audit as readonly AuditLine[]).map(lineOf).toReversed(),
  };
}

function lineOf(line: AuditLine): CredentialsPanel["audit"][number] {
  const { names = [], denied = [] } = line;
  const reasons = [...new Set([...denied, ...names.flatMap((name) => name.denied ?? [])])];
  const asked = line.action === "exec" || line.action === "get" || line.action === "resolve";
  const given = names.some((name) => name.denied === undefined);
  return {
    seq: line.seq,
    at: line.time * 1000,
    action: line.action,
    names: names.map((name) => (name.version === undefined ? name.name : `${name.name} v${name.version}`)),
    decision: reasons.length > 0 ? (given ? "partly denied" : "denied") : asked ? "granted" : "",
    reasons,
    actor: actorText(line),
  };
}

function actorText({ assurance, actor, unverified }: AuditLine): string {
  const { repository, run_id: run, user, uid } = actor ?? unverified ?? {};
  const who = repository ?? user ?? (uid === undefined ? undefined : `uid ${uid}`);
  const parts = [assurance ?? (unverified === undefined ? undefined : "unverified"), who, run && `run ${run}`];
  return parts.filter((part) => part !== undefined && part !== "").join(" ");
}
