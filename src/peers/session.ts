// One connection to one peer: proves membership, then carries frames both ways, with bounds on what either side can cost the other.
import { Bucket } from "./breaker.ts";
import { Ewma } from "./budget.ts";
import { encodeMap } from "./cbor.ts";
import type { Duplex } from "./duplex.ts";
import { encodeFrame, FRAME, type Frame, FrameDecoder } from "./frame.ts";
import { Handshake, type HandshakeParts } from "./handshake.ts";
import type { Hello } from "./hello.ts";
import { SendQueue } from "./send-queue.ts";

export type CloseReason =
  | "stopped"
  | "gone"
  | "no-answer"
  | "wrong-secret"
  | "protocol"
  | "too-slow"
  | "duplicate"
  | "denied"
  | "full";

export const TRAFFIC = ["messagesIn", "messagesOut", "bytesIn", "bytesOut"] as const;
export type Traffic = Readonly<Record<(typeof TRAFFIC)[number], number>>;

export interface SessionOptions extends HandshakeParts {
  /** For all of HELLO and AUTH. */
  readonly handshakeMs: number;
  readonly keepAliveMs: number;
  readonly maxMessagesPerSecond: number;
  readonly maxBytesPerSecond: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface SessionListener {
  /** Membership is proved. */
  opened(session: Session): void;
  /** A frame that is no answer to one of ours. */
  asked(session: Session, frame: Frame): void;
  /** Once. */
  closed(session: Session, why: CloseReason): void;
}

/** Gets the frames of one request, until it says so or the session ends (undefined). */
export type Answering = (frame: Frame | undefined) => void;

/** Of one peer at a time; each holds a timer and a closure. */
const MAX_PENDING = 4096;
/** However full its bucket is not, nobody is held up for longer at a time. */
const MAX_PAUSE_MS = 1000;

export class Session {
  readonly duplex: Duplex;
  readonly rtt = new Ewma();
  readonly traffic: Record<keyof Traffic, number> = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };
  /** What the other said of itself; set when open. */
  hello: Hello | undefined;
  openedAt = 0;
  /** Membership was proved, or never will be. */
  readonly proved: Promise<void>;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #decoder = new FrameDecoder();
  readonly #messages: Bucket;
  readonly #bytes: Bucket;
  readonly #queue: SendQueue;
  readonly #pending = new Map<number, Answering>();
  readonly #handshake: Handshake;
  #nextId: number;
  #timer: NodeJS.Timeout;
  #pause: NodeJS.Timeout | undefined;
  #missedPings = 0;
  #pingAt = 0;
  #why: CloseReason | undefined;
  #settle: () => void = () => undefined;

  constructor(duplex: Duplex, options: SessionOptions, listener: SessionListener) {
    this.duplex = duplex;
    this.proved = new Promise((resolve) => (this.#settle = resolve));
    this.#options = options;
    this.#listener = listener;
    this.#nextId = duplex.dialed ? 1 : 2;
    this.#messages = new Bucket(options.maxMessagesPerSecond, options.now());
    this.#bytes = new Bucket(options.maxBytesPerSecond, options.now());
    this.#queue = new SendQueue(duplex, () => this.close("too-slow"));
    this.#handshake = new Handshake(duplex, options);
    this.#timer = setTimeout(() => this.close("no-answer"), options.handshakeMs).unref();
    duplex.listen({
      data: (bytes) => this.#received(bytes),
      drain: () => this.#queue.drain(),
      closed: () => this.#ended("gone"),
    });
    const first = this.#handshake.begin();
    if (first !== undefined) this.send(FRAME.hello, 0, [first]);
  }

  get id(): Uint8Array {
    return this.duplex.remoteId;
  }

  get isOpen(): boolean {
    return this.hello !== undefined && this.#why === undefined;
  }

  /** @param bulk a piece of a value: small answers overtake it */
  send(type: number, id: number, parts: readonly Uint8Array[], bulk = false): void {
    if (this.#why !== undefined) return;
    const frame = encodeFrame(type, id, ...parts);
    this.traffic.messagesOut++;
    this.traffic.bytesOut += frame.length;
    this.#queue.send(frame, bulk);
  }

  /** @returns the id of the request; undefined: no more of them now, or the session is over */
  ask(type: number, parts: readonly Uint8Array[], answering: Answering): number | undefined {
    const id = this.expect(answering);
    if (id !== undefined) this.send(type, id, parts);
    return id;
  }

  /** Reserves an id whose frames are sent by `send`. */
  expect(answering: Answering): number | undefined {
    if (!this.isOpen || this.#pending.size >= MAX_PENDING) return undefined;
    const id = this.#nextId;
    // Ids go round after 2^31 requests; none is pending for so long.
    this.#nextId = id + 2 > 0xffffffff ? (this.duplex.dialed ? 1 : 2) : id + 2;
    this.#pending.set(id, answering);
    return id;
  }

  /** Its answer is no longer wanted. */
  forget(id: number): void {
    this.#pending.delete(id);
  }

  close(why: CloseReason): void {
    if (this.#why !== undefined) return;
    this.#ended(why);
    this.duplex.close();
  }

  #ended(why: CloseReason): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#settle();
    clearTimeout(this.#timer);
    clearTimeout(this.#pause);
    this.#queue.clear();
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const answering of waiting) answering(undefined);
    this.#listener.closed(this, why);
  }

  #received(bytes: Uint8Array): void {
    if (this.#why !== undefined) return;
    this.traffic.bytesIn += bytes.length;
    const frames = this.#decoder.push(bytes);
    for (const frame of frames) {
      if (this.#why !== undefined) return;
      this.traffic.messagesIn++;
      this.#handle(frame);
    }
    if (this.#decoder.fault !== undefined) return this.#refuse(this.#decoder.fault);
    const now = this.#options.now();
    const waitMs = Math.max(this.#messages.take(frames.length, now), this.#bytes.take(bytes.length, now));
    if (waitMs > 0) this.#holdUp(Math.min(waitMs, MAX_PAUSE_MS));
  }

  /** Its flood stays in its own buffers and in the network's. */
  #holdUp(ms: number): void {
    if (this.#pause !== undefined || this.#why !== undefined) return;
    this.duplex.pause();
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.duplex.resume();
    }, ms).unref();
  }

  #handle(frame: Frame): void {
    if (this.hello === undefined) return this.#proving(frame);
    switch (frame.type) {
      case FRAME.ping:
        return this.send(FRAME.pong, frame.id, [frame.body.subarray(0, 64)]);
      case FRAME.pong:
        this.#missedPings = 0;
        return this.rtt.note(this.#options.now() - this.#pingAt);
      case FRAME.error:
        return this.close("protocol");
      case FRAME.hello:
      case FRAME.helloAck:
      case FRAME.auth:
        return this.#refuse("hello-twice");
      default: {
        const isOurs = frame.id !== 0 && frame.id % 2 === (this.duplex.dialed ? 1 : 0);
        if (!isOurs) return this.#listener.asked(this, frame);
        // An answer that nobody waits for any more is dropped.
        this.#pending.get(frame.id)?.(frame);
      }
    }
  }

  #proving(frame: Frame): void {
    const step = this.#handshake.take(frame);
    if (step.kind === "refused") return step.why === "wrong-secret" ? this.close(step.why) : this.#refuse(step.why);
    for (const [type, body] of step.send) this.send(type, 0, [body]);
    if (step.kind !== "done") return;
    clearTimeout(this.#timer);
    this.hello = step.hello;
    this.openedAt = this.#options.now();
    this.#timer = setInterval(() => this.#ping(), this.#options.keepAliveMs).unref();
    this.#settle();
    this.#listener.opened(this);
    this.#ping();
  }

  #ping(): void {
    if (++this.#missedPings > 2) return this.close("no-answer");
    this.#pingAt = this.#options.now();
    this.send(FRAME.ping, 0, []);
  }

  #refuse(code: string): void {
    this.send(FRAME.error, 0, [encodeMap({ code })]);
    this.close("protocol");
  }
}
