// One GET, from the first frame to its outcome: who was asked, what they said, and when to stop waiting.
import { Hedges } from "./budget.ts";
import { FRAME, type Frame } from "./frame.ts";
import type { Getter } from "./getter.ts";
import type { Mesh, Target } from "./mesh.ts";
import { decodeMiss, decodeWait, encodeGet, encodeRelease } from "./messages.ts";
import type { GetAnswer, GetRequest } from "./owner.ts";
import { patience } from "./patience.ts";
import { type Fetched, verifiedValues } from "./verify.ts";
import { Assembly, decodeValues } from "./wire.ts";

export interface GetOutcome {
  /** Verified, newest first; none: fetch it elsewhere. */
  readonly values: readonly Fetched[];
  /** Whoever fetched it elsewhere is done, with or without a value to publish: a lease that came of this passes on. */
  done(): void;
}

/** A peer that is fetching the same is waited for once, at most so long; an operator's larger budget goes before. */
const MAX_WAIT_MS = 1000;
/** The owner passes a lease on when its time is over; that message is worth waiting for. */
const WAIT_SLACK_MS = 50;
/** A WAIT that brought nothing: its owner is not waited for again so soon. */
const NO_WAIT_MS = 600_000;
/** So long a value that comes late is still taken. */
const LATE_MS = 5000;
/** A value larger than a frame gets this long for each MiB once it began to come. */
const MS_PER_MIB = 250;

interface Question {
  readonly target: Target;
  /** Nothing more is wanted of it, and the other side is told. */
  readonly stop: () => void;
  /** It was answered. */
  readonly over: () => void;
  replied: boolean;
}

export class Asking {
  readonly outcome: Promise<GetOutcome>;
  readonly #getter: Getter;
  readonly #mesh: Mesh;
  readonly #request: GetRequest;
  readonly #onLate: (values: readonly Fetched[]) => void;
  readonly #left: Target[];
  readonly #open = new Set<Question>();
  readonly #asked = new Set<Target>();
  #resolve: (outcome: GetOutcome) => void = () => undefined;
  #settled = false;
  #endPatience: () => void = () => undefined;
  #hedge: NodeJS.Timeout | undefined;
  #release: (() => void) | undefined;
  #isDone = false;

  /** @param secondFirst asks the owners in the other order */
  constructor(getter: Getter, request: GetRequest, secondFirst: boolean, onLate: (values: readonly Fetched[]) => void) {
    this.#getter = getter;
    this.#mesh = getter.mesh;
    this.#request = request;
    this.#onLate = onLate;
    const now = this.#now();
    this.#left = this.#mesh
      .ownersOf(request.keyHash)
      .filter((target) => target === "self" || !target.breaker.isResting(now));
    if (secondFirst) this.#left.reverse();
    this.outcome = new Promise((resolve) => (this.#resolve = resolve));
    this.#endPatience = patience(getter.budgetMs(request.kind), () => this.#budgetSpent());
    if (this.#askNext(request.wantsLease)) this.#armHedge();
    else this.#settle([]);
  }

  #armHedge(): void {
    const [first] = this.#asked;
    if (this.#settled || first === undefined || first === "self" || this.#left.length === 0) return;
    this.#hedge = setTimeout(() => {
      // A hedge takes no lease: two owners would let two fetch.
      if (this.#getter.hedges.take()) this.#askNext(false);
    }, Hedges.delayMs(first.session.rtt));
  }

  /** @returns false: nobody is left to ask */
  #askNext(wantsLease: boolean): boolean {
    const target = this.#left.shift();
    if (target === undefined) return false;
    this.#ask(target, { ...this.#request, wantsLease });
    return true;
  }

  #ask(target: Target, request: GetRequest): void {
    this.#asked.add(target);
    if (target === "self") {
      const question: Question = { target, stop: () => stop(), over: () => undefined, replied: false };
      let stop: () => void = () => undefined;
      this.#open.add(question);
      stop = this.#getter.askSelf(request, (answer) => this.#answered(question, answer));
      return;
    }
    const { session } = target;
    const assembly = new Assembly(this.#mesh.allowance, this.#mesh.options.limits.maxContentBytes);
    const id = session.ask(FRAME.get, [encodeGet(request)], (frame) => this.#frame(question, assembly, frame));
    const over = (): void => {
      assembly.end();
      if (id !== undefined) session.forget(id);
    };
    const stop = (): void => {
      over();
      if (id !== undefined) session.send(FRAME.cancel, id, []);
    };
    const question: Question = { target, stop, over, replied: false };
    this.#open.add(question);
    target.counts.asked++;
    if (id === undefined) this.#answered(question, "gone");
  }

  #frame(question: Question, assembly: Assembly, frame: Frame | undefined): void {
    const answer = frame === undefined ? "gone" : answerIn(frame, assembly);
    if (answer === "more") return this.#coming(question);
    if (answer !== "fault") return this.#answered(question, answer);
    this.#answered(question, "gone");
    if (question.target !== "self") question.target.session.close("protocol");
  }

  /** A large value has begun to come: its first piece met the budget, the rest gets time by size. */
  #coming(question: Question): void {
    const first = !question.replied;
    question.replied = true;
    if (this.#settled || !first) return;
    const mib = this.#mesh.options.limits.maxContentBytes / (1024 * 1024);
    this.#endPatience();
    this.#endPatience = patience(mib * MS_PER_MIB, () => this.#budgetSpent());
  }

  #answered(question: Question, answer: GetAnswer | "gone"): void {
    if (!this.#open.has(question)) return;
    const { target } = question;
    question.replied = true;
    if (answer === "gone") {
      this.#over(question);
      // The lease its owner would have given is now the next one's to give.
      return this.#orNext(this.#request.wantsLease);
    }
    if (target !== "self") target.breaker.answered();
    if (answer.kind === "wait") return this.#wait(question, answer.leftMs);
    this.#over(question);
    if (answer.kind === "miss") return this.#missed(target, answer);
    const sender = target === "self" ? this.#mesh.id : target.id;
    const values = verifiedValues(this.#mesh, sender, this.#request, answer.values);
    if (values.length === 0) return this.#orNext(false);
    if (target !== "self") target.counts.hits++;
    if (this.#settled) return this.#onLate(values);
    if (this.#asked.size > 1 && [...this.#asked][0] !== target) this.#getter.counts.hedgesWon++;
    this.#settle(values);
  }

  #over(question: Question): void {
    this.#open.delete(question);
    question.over();
  }

  #missed(target: Target, { lease, holders }: Extract<GetAnswer, { kind: "miss" }>): void {
    if (lease !== undefined) {
      const { keyHash } = this.#request;
      this.#getter.counts.leases++;
      this.#release = () => {
        if (target === "self") this.#getter.releaseSelf(keyHash, lease.token);
        else target.session.send(FRAME.release, 0, [encodeRelease(keyHash, lease.token)]);
      };
      if (this.#isDone) this.#release();
      // It comes late, while this peer fetches alone: then it holds it rightly, until it is done.
      return this.#settle([]);
    }
    for (const id of holders) {
      const holder = this.#mesh.member(id);
      if (holder !== undefined && !this.#asked.has(holder) && !this.#left.includes(holder)) this.#left.unshift(holder);
    }
    // An API read that missed at its first owner goes on: another round trip would find one in a thousand.
    if (this.#request.kind === "api" && this.#open.size === 0) return this.#settle([]);
    this.#orNext(false);
  }

  #orNext(wantsLease: boolean): void {
    if (this.#settled) return;
    if (!this.#askNext(wantsLease) && this.#open.size === 0) this.#settle([]);
  }

  #wait({ target }: Question, leftMs: number): void {
    const isTrusted = target === "self" || this.#now() >= target.noWaitUntil;
    if (this.#settled || !this.#getter.waits || !isTrusted) {
      if (!this.#settled) this.#settle([]);
      return;
    }
    this.#getter.counts.waits++;
    this.#endPatience();
    clearTimeout(this.#hedge);
    const longest = Math.max(MAX_WAIT_MS, this.#getter.budgetMs(this.#request.kind));
    this.#endPatience = patience(Math.min(longest, leftMs + WAIT_SLACK_MS), () => {
      if (target !== "self") target.noWaitUntil = this.#now() + NO_WAIT_MS;
      this.#settle([]);
    });
  }

  #budgetSpent(): void {
    if (this.#settled) return;
    this.#getter.counts.budgetsSpent++;
    for (const { target, replied } of this.#open)
      if (target !== "self" && !replied) target.breaker.failed("time-out", this.#now());
    this.#settle([]);
  }

  #settle(values: readonly Fetched[]): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#endPatience();
    clearTimeout(this.#hedge);
    this.#resolve({ values, done: () => this.#done() });
    if (this.#open.size === 0) return;
    // With a value in hand nothing more is wanted; without, it may still come.
    if (values.length > 0) this.#stopAll();
    else setTimeout(() => this.#stopAll(), LATE_MS).unref();
  }

  #done(): void {
    this.#isDone = true;
    this.#release?.();
  }

  #stopAll(): void {
    for (const { stop } of this.#open) stop();
    this.#open.clear();
  }

  #now(): number {
    return this.#mesh.options.clock.monotonicMs();
  }
}

function answerIn({ type, body }: Frame, assembly: Assembly): GetAnswer | "more" | "fault" {
  switch (type) {
    case FRAME.miss:
      return decodeMiss(body) ?? "fault";
    case FRAME.wait:
      return decodeWait(body) ?? "fault";
    case FRAME.value: {
      const whole = assembly.push(body);
      if (typeof whole === "string") return whole;
      const values = decodeValues(whole);
      return values === undefined ? "fault" : { kind: "values", values };
    }
    default:
      return "fault";
  }
}
