// One peer that proved its membership: its session, what it said of itself, and how it has been.
import { Breaker } from "./breaker.ts";
import { peerIdText } from "./identity.ts";
import type { Session } from "./session.ts";

export class Member {
  readonly id: Uint8Array;
  /** 12D3Koo... */
  readonly name: string;
  readonly breaker: Breaker;
  session: Session;
  /** We dialled it, or connected to where it says it listens: only then can others, and only then it owns keys. */
  reachable: boolean;
  /** Monotonic: a WAIT of its brought nothing, so until then it is not waited for again. */
  noWaitUntil = Number.NEGATIVE_INFINITY;
  readonly counts = { asked: 0, hits: 0, served: 0 };

  constructor(session: Session, before: Member | undefined) {
    this.id = session.id;
    this.name = before?.name ?? peerIdText(session.id);
    this.session = session;
    this.reachable = session.duplex.dialed && this.addresses.length > 0;
    this.breaker = before?.breaker ?? new Breaker();
    if (before === undefined) return;
    this.counts = before.counts;
    this.noWaitUntil = before.noWaitUntil;
  }

  get addresses(): readonly string[] {
    return this.session.hello?.addresses ?? [];
  }

  /** @param now monotonic milliseconds */
  upMs(now: number): number {
    return (this.session.hello?.upMs ?? 0) + now - this.session.openedAt;
  }
}
