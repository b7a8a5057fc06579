// From what a request carries to a caller: a verified token, used up here whatever is decided later; or a weaker assurance.
import type { AccessRules, Caller, DenialReason } from "../core/access.ts";
import type { Clock } from "../ports.ts";
import type { AuditEvent, AuditLine } from "./audit-line.ts";
import type { ResolveBody } from "./broker-protocol.ts";
import { privateRepository } from "./github-token.ts";
import { cachedKeys, type FetchKeySet } from "./jwks.ts";
import {
  type KeysById,
  type TokenFault,
  type TokenRules,
  unverifiedClaims,
  type VerifiedToken,
  verifyToken,
} from "./oidc.ts";
import { tokenId, UsedTokens } from "./replay.ts";

export interface Identified {
  readonly caller: Caller;
  /** For the audit log. */
  readonly actor: Pick<AuditEvent, "actor" | "jti">;
  /** Whose denials are counted together. */
  readonly who: string;
}

export interface Unknown {
  readonly reason: DenialReason;
  readonly detail: string;
  /** Claims for the audit log: verified ones as `actor`, else as `unverified`. */
  readonly said: Pick<AuditEvent, "actor" | "unverified">;
  readonly who: string;
}

export interface IdentifyOptions {
  readonly token: TokenRules;
  readonly rules: AccessRules;
  readonly fetchKeySet: FetchKeySet;
  readonly api: string;
}

export class Identify {
  readonly #options: IdentifyOptions;
  readonly #clock: Clock;
  readonly #keys: KeysById;
  readonly #used = new UsedTokens();
  /** How long a used token must be remembered: an older one is refused for its age. */
  readonly memory: { readonly seconds: number };

  constructor(options: IdentifyOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#keys = cachedKeys(options.fetchKeySet, clock);
    this.memory = { seconds: options.token.maxAge + 2 * options.token.tolerance };
  }

  /** After a restart: uses that the log knows. */
  remember(lines: Iterable<AuditLine>): void {
    for (const line of lines) if (line.jti !== undefined) this.#used.use(line.jti, line.time + this.memory.seconds, 0);
  }

  async caller(body: Pick<ResolveBody, "token" | "githubToken" | "repository">): Promise<Identified | Unknown> {
    const { token: rules, api, rules: access } = this.#options;
    if (body.token !== undefined) {
      const now = Math.floor(this.#clock.now() / 1000);
      const verified = await verifyToken(body.token, this.#keys, rules, now);
      return "fault" in verified ? unverified(body.token, verified) : this.#once(verified, now);
    }
    if (body.githubToken === undefined) return { caller: { assurance: "local", claims: {} }, actor: {}, who: "local" };
    const found = access.allowToken ? await privateRepository(api, body.githubToken, body.repository ?? "") : undefined;
    if (found === undefined) {
      const detail = access.allowToken ? "it reads no such private repository" : "secrets.assurance.token is off";
      return { reason: "token-invalid", detail, said: {}, who: "unverified" };
    }
    const { repositoryId, ownerId, repository } = found;
    return {
      caller: { assurance: "token", claims: { repositoryId, ownerId } },
      actor: { actor: { repository, repository_id: repositoryId } },
      who: `repository ${repositoryId}`,
    };
  }

  #once(verified: VerifiedToken, now: number): Identified | Unknown {
    const { issuer, tolerance } = this.#options.token;
    const jti = tokenId(issuer, verified.jti);
    const who = `repository ${verified.repositoryId}`;
    if (!this.#used.use(jti, verified.exp + tolerance, now))
      return { reason: "token-replayed", detail: "this token was used before", said: { actor: verified.actor }, who };
    return { caller: { assurance: "oidc", claims: verified.claims }, actor: { actor: verified.actor, jti }, who };
  }
}

function unverified(token: string, { fault, unavailable }: TokenFault): Unknown {
  const reason = unavailable === true ? "key-unavailable" : "token-invalid";
  return { reason, detail: fault, said: { unverified: unverifiedClaims(token) }, who: "unverified" };
}
