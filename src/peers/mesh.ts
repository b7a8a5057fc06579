// The peers as one thing: who is a member, who owns which keys, and the bookkeeping that keeps both true while peers come and go.
import { hexKey } from "./bytes.ts";
import type { ClaimRules } from "./claim.ts";
import { Dialer, type AddressSource } from "./dialer.ts";
import type { Duplex, PeerHost } from "./duplex.ts";
import { FRAME, type Frame } from "./frame.ts";
import { peerIdOf, peerIdText } from "./identity.ts";
import { Gate } from "./gate.ts";
import { Member } from "./member.ts";
import type { MeshOptions } from "./mesh-options.ts";
import { type Changed, encodeChanged, encodePeers } from "./messages.ts";
import { Owner } from "./owner.ts";
import { ownersOf, ringOf, type RingNode } from "./ring.ts";
import { type CloseReason, Session, type Traffic, TRAFFIC } from "./session.ts";
import { Serving } from "./serving.ts";
import { Allowance } from "./wire.ts";

/** An owner of a key: another member, or this peer. */
export type Target = Member | "self";

/** Unproved connections: 64 x 64 KB. */
const MAX_PROVING = 64;
const TICK_MS = 500;
const TOLD_EVERY_MS = 30_000;

export class Mesh {
  readonly id: Buffer;
  readonly options: MeshOptions;
  readonly rules: ClaimRules;
  readonly owner: Owner;
  readonly dialer: Dialer;
  readonly allowance = new Allowance(64 * 1024 * 1024);
  readonly refusals = new Map<CloseReason, number>();
  readonly #members = new Map<string, Member>();
  readonly #serving: Serving;
  readonly #proving = new Set<Session>();
  readonly gate: Gate;
  readonly #startedAt: number;
  #ring: readonly (RingNode & { readonly target: Target })[] | undefined;
  #reachable = false;
  #host: PeerHost | undefined;
  #tick: NodeJS.Timeout | undefined;
  readonly #past = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0, served: 0 };
  #toldAt = 0;
  #lastCreated = 0;

  constructor(options: MeshOptions) {
    this.options = options;
    this.id = peerIdOf(options.signer.publicKey);
    this.rules = { network: options.network, rootKeys: options.rootKeys };
    const { clock, limits } = options;
    this.#startedAt = clock.monotonicMs();
    this.owner = new Owner({
      rules: this.rules,
      maxBytes: limits.memoryBytes,
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
    });
    this.#serving = new Serving(this);
    this.gate = new Gate(options.allow, options.block);
    this.dialer = new Dialer({
      now: () => clock.monotonicMs(),
      lifeMs: limits.livenessMs,
      dial: (address) => this.#dial(address),
      isConnected: (address, who) =>
        (who !== undefined && this.#members.has(who)) || this.members.some((each) => each.addresses.includes(address)),
      wantsMore: () => this.#members.size < limits.maxPeers,
    });
  }

  /** @param host from `startHost`, whose duplexes go to `take` */
  start(host: PeerHost): void {
    this.#host = host;
    this.#tick = setInterval(() => this.#beat(), TICK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick);
    for (const session of [...this.#proving, ...this.members.map((member) => member.session)]) session.close("stopped");
    await this.#host?.stop();
    this.#host = undefined;
  }

  get name(): string {
    return peerIdText(this.id);
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Of all sessions, past ones too. */
  get traffic(): Traffic & { readonly served: number } {
    const sum = { ...this.#past };
    for (const { session, counts } of this.#members.values()) {
      for (const name of TRAFFIC) sum[name] += session.traffic[name];
      sum.served += counts.served;
    }
    return sum;
  }

  member(id: Uint8Array): Member | undefined {
    return this.#members.get(hexKey(id));
  }

  get addresses(): readonly string[] {
    const { announce } = this.options;
    return (announce.length > 0 ? announce : (this.#host?.listening ?? [])).slice(0, 4);
  }

  get upMs(): number {
    return this.options.clock.monotonicMs() - this.#startedAt;
  }

  /** Whether this peer owns keys. Alone it does, for itself. */
  get isRingNode(): boolean {
    return this.#nodes().some(({ target }) => target === "self");
  }

  get ringSize(): number {
    return this.#nodes().length;
  }

  /** The two owners of a key, best first. */
  ownersOf(keyHash: Uint8Array): readonly Target[] {
    return ownersOf(this.#nodes(), keyHash).map(({ target }) => target);
  }

  addAddress(address: string, source: AddressSource): void {
    if (this.addresses.includes(address)) return;
    this.dialer.add(address, source);
  }

  /** A connection that somebody opened, or we did. */
  take(duplex: Duplex): Session | undefined {
    const now = this.options.clock.monotonicMs();
    const isFull =
      this.#proving.size >= MAX_PROVING ||
      (this.#members.size >= this.options.limits.maxPeers && this.member(duplex.remoteId) === undefined);
    if (isFull || !this.gate.lets(duplex.remoteId, now)) {
      this.#refused(duplex, isFull ? "full" : "denied");
      duplex.close();
      return undefined;
    }
    const { keys, limits, agent } = this.options;
    const session = new Session(
      duplex,
      {
        keys,
        ownId: this.id,
        about: () => ({ upMs: this.upMs, addresses: this.addresses, agent }),
        now: () => this.options.clock.monotonicMs(),
        ...limits,
      },
      {
        opened: (opened) => this.#opened(opened),
        asked: (from, frame) => this.#asked(from, frame),
        closed: (closed, why) => this.#closed(closed, why),
      },
    );
    this.#proving.add(session);
    return session;
  }

  /** It sent bytes that nobody else can have made: it is not asked, heard or let in again while this process lives. */
  deny(id: Uint8Array): void {
    this.gate.deny(id);
    this.owner.forgetWriter(id);
    this.member(id)?.session.close("denied");
  }

  /** This peer serves the blob of that name from its own store from now on. */
  offer(keyHash: Uint8Array, name: string): void {
    this.#serving.offer(keyHash, name);
  }

  /** Of two values of ours the later one is newer, also within a millisecond and when the clock is set back. */
  nextCreatedAt(): number {
    return (this.#lastCreated = Math.max(this.options.clock.now(), this.#lastCreated + 1));
  }

  /** Tells the ring that something changed, one hop. */
  tellChanged(changed: Changed): void {
    const body = encodeChanged(changed);
    for (const { session } of this.#members.values()) session.send(FRAME.invalidate, 0, [body]);
  }

  setReachable(): void {
    if (!this.#reachable) this.#ring = undefined;
    this.#reachable = true;
  }

  tellPeers(member: Member): void {
    const peers = this.members.filter((other) => other !== member && other.reachable);
    const told = peers.map(({ id, addresses }) => ({ id, addresses }));
    member.session.send(FRAME.peers, 0, [encodePeers({ peers: told, reachable: member.reachable })]);
  }

  #nodes(): readonly (RingNode & { readonly target: Target })[] {
    if (this.#ring !== undefined) return this.#ring;
    const now = this.options.clock.monotonicMs();
    const { ringAfterMs } = this.options.limits;
    const others = this.members
      .filter((member) => member.reachable && member.upMs(now) >= ringAfterMs)
      .map((member) => ({ id: member.id, upMs: member.upMs(now), target: member }));
    const self = { id: this.id, upMs: this.upMs, target: "self" as const };
    const isNode = this.addresses.length > 0 && this.#reachable && this.upMs >= ringAfterMs;
    return (this.#ring = ringOf<RingNode & { readonly target: Target }>(
      isNode || others.length === 0 ? [...others, self] : others,
    ));
  }

  #opened(session: Session): void {
    this.#proving.delete(session);
    const name = hexKey(session.id);
    const before = this.#members.get(name);
    if (before !== undefined && !this.#isBetter(session, before.session)) return session.close("duplicate");
    const member = new Member(session, before);
    this.#members.set(name, member);
    this.gate.rightSecret(session.id);
    this.#ring = undefined;
    if (before === undefined)
      this.options.onEvent({ kind: "joined", peer: member.name, address: session.duplex.remoteAddress });
    else {
      this.#serving.gone(before);
      before.session.close("duplicate");
    }
    for (const address of member.addresses) this.addAddress(address, "peer");
    if (member.reachable) this.tellPeers(member);
    else void this.#probe(member);
  }

  /** Of two dials that crossed, both sides keep the one of the smaller id; a later one of the same dialer replaces it. */
  #isBetter(session: Session, before: Session): boolean {
    if (!before.isOpen) return true;
    const dialer = (each: Session): Uint8Array => (each.duplex.dialed ? this.id : each.id);
    return Buffer.compare(dialer(session), dialer(before)) <= 0;
  }

  async #probe(member: Member): Promise<void> {
    for (const address of member.addresses)
      if (!member.reachable && (await this.#host?.answers(address, member.session.duplex.remoteAddress)) === true)
        member.reachable = true;
    if (member.reachable) this.#ring = undefined;
    this.tellPeers(member);
  }

  #asked(session: Session, frame: Frame): void {
    const member = this.#members.get(hexKey(session.id));
    if (member?.session === session) this.#serving.take(member, frame);
  }

  #closed(session: Session, why: CloseReason): void {
    if (this.#proving.delete(session)) {
      this.#refused(session.duplex, why);
      if (why === "wrong-secret") this.gate.wrongSecret(session.id, this.options.clock.monotonicMs());
      return;
    }
    const name = hexKey(session.id);
    const member = this.#members.get(name);
    if (member?.session !== session) return;
    this.#members.delete(name);
    for (const each of TRAFFIC) this.#past[each] += session.traffic[each];
    this.#past.served += member.counts.served;
    this.#ring = undefined;
    this.#serving.gone(member);
    this.options.onEvent({ kind: "left", peer: member.name, why });
  }

  #refused({ remoteAddress }: Duplex, why: CloseReason): void {
    this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
    if (why !== "stopped") this.options.onEvent({ kind: "refused", address: remoteAddress, why });
  }

  async #dial(address: string): Promise<string | undefined> {
    const duplex = await this.#host?.dial(address, AbortSignal.timeout(this.options.limits.handshakeMs));
    if (duplex === undefined) return undefined;
    if (Buffer.compare(duplex.remoteId, this.id) === 0) {
      this.dialer.drop(address);
      duplex.close();
      return undefined;
    }
    // Until then it counts as being dialled: on a busy machine a second dial would race the first.
    await this.take(duplex)?.proved;
    return hexKey(duplex.remoteId);
  }

  #beat(): void {
    this.owner.tick();
    this.dialer.tick();
    // Ages grow past the bounds of the ring.
    this.#ring = undefined;
    const now = this.options.clock.monotonicMs();
    if (now - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = now;
    for (const member of this.#members.values()) this.tellPeers(member);
  }
}
