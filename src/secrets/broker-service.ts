// What the broker does with a request. Order of every one: limits, token, decision, audit line, opening, answer; what goes wrong
// at any of them is a denial.
import type { AccessRules } from "../core/access.ts";
import { ForegoneError } from "../core/errors.ts";
import type { AuditEvent } from "./audit-line.ts";
import { readAuditLines } from "./audit-read.ts";
import { Identify, type Unknown } from "./broker-identify.ts";
import {
  type HealthReply,
  parsePut,
  parseResolve,
  type PutReply,
  type ResolveBody,
  type ResolveReply,
} from "./broker-protocol.ts";
import { putCredentials, type PutRules } from "./broker-put.ts";
import { type CheckpointKey, checkpointKey, makeCheckpoint } from "./checkpoint.ts";
import { type CheckpointPlan, keepCheckpoint } from "./checkpoints.ts";
import type { FetchKeySet } from "./jwks.ts";
import { chooseFlock } from "./lock.ts";
import type { TokenRules } from "./oidc.ts";
import { DenialLimit } from "./replay.ts";
import { isGranted, refused, resolveNames, storeReason } from "./resolve.ts";
import { inSession, type OpenStore, type Session, type SessionContext } from "./session.ts";

export interface ServiceOptions {
  readonly session: SessionContext;
  readonly token: TokenRules;
  readonly fetchKeySet: FetchKeySet;
  readonly rules: AccessRules;
  readonly put: PutRules;
  readonly checkpoints: CheckpointPlan;
  /** REST API that says whether a GITHUB_TOKEN reads a private repository. */
  readonly api: string;
  /** One lower-case line for an operator's log. Never a value, never a token. */
  readonly report?: (line: string) => void;
}

/** Counted where the lines are written, since the broker's start. */
export interface BrokerCounts {
  readonly opened: number;
  readonly denied: number;
  readonly expired: number;
  readonly stored: number;
}

export interface BrokerStatus extends BrokerCounts {
  /** Credentials with a version that is valid now. */
  readonly active: number;
  readonly scopes: number;
}

export class BrokerService {
  readonly #options: ServiceOptions;
  readonly #context: SessionContext;
  readonly #identify: Identify;
  readonly #limit = new DenialLimit();
  #store: OpenStore | undefined;
  #signer: { readonly kc: string; readonly key: CheckpointKey } | undefined;
  /** One session at a time: the lock is the folder's, and waiting here is fair. */
  #turn: Promise<unknown> = Promise.resolve();
  #counts = { opened: 0, denied: 0, expired: 0, stored: 0 };

  static async start(options: ServiceOptions): Promise<BrokerService> {
    const flock = options.session.flock ?? (await chooseFlock(true));
    const service = new BrokerService(options, { ...options.session, flock });
    await service.#inTurn(async (session) => {
      await service.#open(session);
      const { seconds } = service.#identify.memory;
      service.#identify.remember(readAuditLines(options.session.folder, session.now() - seconds));
    });
    return service;
  }

  private constructor(options: ServiceOptions, context: SessionContext) {
    this.#options = options;
    this.#context = context;
    this.#identify = new Identify(options, context.clock);
  }

  status(): BrokerStatus {
    const versions = this.#store?.state.versions ?? [];
    const now = Math.floor(this.#context.clock.now() / 1000);
    const valid = versions.filter((v) => v.notBefore <= now && (v.notAfter === null || now < v.notAfter));
    return {
      ...this.#counts,
      active: new Set(valid.map((v) => v.credentialId)).size,
      scopes: new Set(versions.map((v) => `${v.scope.kind}:${v.scope.id}`)).size,
    };
  }

  health(): HealthReply {
    return { v: 1, id: this.#options.rules.runner.id, audience: this.#options.token.audience };
  }

  /** @returns undefined if the text is not a request of version 1 */
  async resolve(text: string): Promise<ResolveReply | undefined> {
    const body = parseResolve(text);
    if (body === undefined) return undefined;
    const asked = await this.#identify.caller(body);
    try {
      return await this.#inTurn(async (session) => {
        if ("reason" in asked) return this.#refuse(session, body, asked);
        const store = await this.#open(session);
        const { audit, answers } = resolveNames(session, store, {
          action: "resolve",
          names: body.names,
          mode: body.mode,
          caller: asked.caller,
          rules: this.#options.rules,
          actor: asked.actor,
          quiet: () => !this.#admit(session, asked.who),
        });
        const note = makeCheckpoint(this.#signerOf(store), session.log.state.tree);
        this.#keepCheckpoint(session, store);
        return {
          v: 1,
          nonce: body.nonce,
          ...(audit !== undefined && { audit, checkpoint: note }),
          answers: answers.map((answer) => {
            if (!isGranted(answer)) {
              this.#counts.denied += 1;
              if (answer.denied === "expired") this.#counts.expired += 1;
              return { name: answer.name, denied: answer.denied };
            }
            this.#counts.opened += 1;
            const value = answer.value.reveal().toString("base64");
            answer.value.wipe();
            const { version, notAfter } = answer.version;
            return { name: answer.name, version, value, notAfter, tag: answer.tag };
          }),
        };
      });
    } catch (error) {
      if (!(error instanceof ForegoneError)) throw error;
      return this.#unavailable(body, error);
    }
  }

  /** @returns undefined if the text is not a request of version 1 */
  async put(text: string): Promise<PutReply | undefined> {
    const body = parsePut(text);
    if (body === undefined) return undefined;
    const names = body.credentials.map((c) => c.name);
    const asked = await this.#identify.caller({ token: body.token });
    try {
      return await this.#inTurn(async (session): Promise<PutReply> => {
        if ("reason" in asked) {
          const { answers, ...rest } = this.#refuse(session, { names, nonce: body.nonce }, asked);
          return { ...rest, stored: answers.map(({ name }) => ({ name, denied: "denied" })) };
        }
        const store = await this.#open(session);
        const { stored, opened, audit } = putCredentials(session, store, body, asked, this.#options);
        this.#store = opened;
        this.#counts.stored += stored.filter((s) => "version" in s).length;
        this.#counts.denied += stored.filter((s) => "denied" in s).length;
        this.#keepCheckpoint(session, opened);
        return { v: 1, nonce: body.nonce, ...(audit !== undefined && { audit }), stored };
      });
    } catch (error) {
      if (!(error instanceof ForegoneError)) throw error;
      this.#options.report?.(error.message);
      return { v: 1, nonce: body.nonce, stored: names.map((name) => ({ name, denied: "unavailable" })) };
    } finally {
      for (const { value } of body.credentials) value.fill(0);
    }
  }

  #refuse(session: Session, body: Pick<ResolveBody, "names" | "nonce">, asked: Unknown): ResolveReply {
    this.#counts.denied += body.names.length;
    const { reason, detail, said, who } = asked;
    const event: AuditEvent = { ...said, action: "refused", denied: [reason], detail, count: body.names.length };
    const [line] = this.#admit(session, who) ? session.append(event) : [];
    return {
      v: 1,
      nonce: body.nonce,
      ...(line !== undefined && { audit: line.seq }),
      answers: body.names.map((name) => ({ name, denied: refused(name, [reason]).denied })),
    };
  }

  /** The store or its log cannot be used. Said in the log if that can still be written. */
  async #unavailable(body: ResolveBody, error: ForegoneError): Promise<ResolveReply> {
    const reason = storeReason(error.code);
    this.#options.report?.(`${reason}: ${error.message}`);
    this.#counts.denied += body.names.length;
    if (reason !== "audit-unwritable" && this.#limit.admit(reason, Math.floor(this.#context.clock.now() / 1000)).own)
      await this.#inTurn(async (session) => {
        session.append({ action: "refused", denied: [reason], count: body.names.length });
      }).catch(() => undefined);
    return {
      v: 1,
      nonce: body.nonce,
      answers: body.names.map((name) => ({ name, denied: refused(name, [reason]).denied })),
    };
  }

  /** @returns whether this denial gets a line of its own; writes the line that sums up those before it that did not */
  #admit(session: Session, who: string): boolean {
    const { own, summed } = this.#limit.admit(who, session.now());
    if (summed > 0) session.append({ action: "refused", denied: ["rate-limited"], detail: who, count: summed });
    return own;
  }

  async sumUp(): Promise<void> {
    const over = this.#limit.drain(Math.floor(this.#context.clock.now() / 1000));
    if (over.length === 0) return;
    await this.#inTurn(async (session) => {
      for (const [who, count] of over)
        session.append({ action: "refused", denied: ["rate-limited"], detail: who, count });
    }).catch((error: unknown) => this.#options.report?.(String(error)));
  }

  async #open(session: Session): Promise<OpenStore> {
    this.#store = await session.open(this.#store);
    return this.#store;
  }

  #signerOf({ state, master, kc }: OpenStore): CheckpointKey {
    if (this.#signer?.kc !== kc) this.#signer = { kc, key: checkpointKey(master, state.storeId) };
    return this.#signer.key;
  }

  #keepCheckpoint(session: Session, store: OpenStore): void {
    for (const folder of keepCheckpoint(
      session.log,
      () => this.#signerOf(store),
      this.#options.checkpoints,
      session.now(),
    ))
      this.#options.report?.(`checkpoint not kept in ${folder}`);
  }

  #inTurn<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => inSession(this.#context, work));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
