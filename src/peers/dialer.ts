// Whom to dial, when: every address we heard of and are not connected to, four at a time, never while somebody waits for a value.
// Partitions heal because addresses are kept for a while after their peer is gone.
import { type DialAddress, isLoopback, parseAddress } from "./address.ts";

export interface DialerOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** How long an address is tried after it was last heard of. */
  readonly lifeMs: number;
  /** @returns who answered there, in hex; undefined: nobody */
  readonly dial: (address: string) => Promise<string | undefined>;
  /** @param who answered there last: it may announce another address than the one we know */
  readonly isConnected: (address: string, who: string | undefined) => boolean;
  /** Whether another connection is wanted at all. */
  readonly wantsMore: () => boolean;
}

/** `operator`: named by whoever set this machine up; never forgotten, loopback allowed. */
export type AddressSource = "operator" | "same-host" | "registry" | "peer";

interface Known {
  readonly address: DialAddress;
  readonly forever: boolean;
  until: number;
  nextAt: number;
  waitMs: number;
  dialing: boolean;
  who?: string;
}

const MAX_KNOWN = 1024;
const AT_ONCE = 4;
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 60_000;

export class Dialer {
  readonly #options: DialerOptions;
  readonly #known = new Map<string, Known>();
  #dialing = 0;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  add(text: string, source: AddressSource): void {
    const address = parseAddress(text);
    if (address === undefined || (isLoopback(address.ip) && (source === "registry" || source === "peer"))) return;
    const now = this.#options.now();
    const before = this.#known.get(address.text);
    if (before !== undefined) {
      before.until = now + this.#options.lifeMs;
      return;
    }
    if (this.#known.size >= MAX_KNOWN) return;
    this.#known.set(address.text, {
      address,
      forever: source === "operator",
      until: now + this.#options.lifeMs,
      nextAt: now,
      waitMs: FIRST_WAIT_MS,
      dialing: false,
    });
  }

  /** Not to be dialled again: it is this peer itself, or one that is refused. */
  drop(text: string): void {
    this.#known.delete(text);
  }

  /** For people: addresses nobody answers at. */
  get waiting(): readonly string[] {
    return [...this.#known.values()].filter(({ waitMs }) => waitMs > FIRST_WAIT_MS).map(({ address }) => address.text);
  }

  get size(): number {
    return this.#known.size;
  }

  /** Starts what is due. Call every second or so, and when an address came. */
  tick(): void {
    const now = this.#options.now();
    for (const [text, known] of this.#known) {
      if (this.#dialing >= AT_ONCE || !this.#options.wantsMore()) return;
      if (known.dialing) continue;
      if (this.#options.isConnected(text, known.who)) {
        known.until = now + this.#options.lifeMs;
        known.waitMs = FIRST_WAIT_MS;
      } else if (!known.forever && now > known.until) this.#known.delete(text);
      else if (now >= known.nextAt) void this.#dial(text, known);
    }
  }

  async #dial(text: string, known: Known): Promise<void> {
    known.dialing = true;
    this.#dialing++;
    try {
      const who = await this.#options.dial(text);
      if (who !== undefined) known.who = who;
    } catch {
      // Tried again later; `waiting` tells people.
    }
    known.dialing = false;
    this.#dialing--;
    known.nextAt = this.#options.now() + known.waitMs;
    known.waitMs = Math.min(MAX_WAIT_MS, known.waitMs * 2);
    this.tick();
  }
}
