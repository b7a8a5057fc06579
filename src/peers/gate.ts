// Who is let in: neither those that lied, nor those that came with a wrong secret three times, nor those the operator named.
import { Bans } from "./breaker.ts";
import { hexKey } from "./bytes.ts";
import { peerIdText } from "./identity.ts";

const WRONG_SECRETS = 3;
const WRONG_SECRET_MS = 600_000;
/** Whoever makes up new ids only fills this map, and then it starts anew. */
const MAX_WRONG = 4096;

export class Gate {
  readonly #allow: ReadonlySet<string>;
  readonly #block: ReadonlySet<string>;
  readonly #denied = new Bans();
  readonly #wrong = new Map<string, number>();

  /** @param allow peer ids; only these, if there are any */
  constructor(allow: ReadonlySet<string>, block: ReadonlySet<string>) {
    this.#allow = allow;
    this.#block = block;
  }

  /** For as long as this process lives. */
  deny(id: Uint8Array): void {
    this.#denied.add(hexKey(id), Number.POSITIVE_INFINITY);
  }

  isDenied(id: Uint8Array, now: number): boolean {
    return this.#denied.has(hexKey(id), now);
  }

  lets(id: Uint8Array, now: number): boolean {
    if (this.isDenied(id, now)) return false;
    if (this.#allow.size === 0 && this.#block.size === 0) return true;
    const name = peerIdText(id);
    return !this.#block.has(name) && (this.#allow.size === 0 || this.#allow.has(name));
  }

  wrongSecret(id: Uint8Array, now: number): void {
    const name = hexKey(id);
    const times = (this.#wrong.get(name) ?? 0) + 1;
    if (this.#wrong.size >= MAX_WRONG) this.#wrong.clear();
    this.#wrong.set(name, times);
    if (times >= WRONG_SECRETS) this.#denied.add(name, now + WRONG_SECRET_MS);
  }

  rightSecret(id: Uint8Array): void {
    this.#wrong.delete(hexKey(id));
  }
}
