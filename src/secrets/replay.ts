// A token counts once. Its (issuer, jti) is remembered until it has expired; after a restart it is read back from the audit log,
// where every use was written before it was answered.
import { createHash } from "node:crypto";

export function tokenId(issuer: string, jti: string): string {
  return createHash("sha256")
    .update(JSON.stringify([issuer, jti]))
    .digest("hex")
    .slice(0, 32);
}

export class UsedTokens {
  readonly #until = new Map<string, number>();

  /** @returns false if it was used before; else it is used now */
  use(id: string, until: number, nowSeconds: number): boolean {
    if (this.#until.size > 10_000) this.#forget(nowSeconds);
    if (this.#until.has(id)) return false;
    this.#until.set(id, until);
    return true;
  }

  #forget(nowSeconds: number): void {
    for (const [id, until] of this.#until) if (until < nowSeconds) this.#until.delete(id);
  }
}

/**
 * A flood of denials must not fill the disk: 20 lines a minute for each caller, then one line for the rest. Grants are always
 * written, and answers do not change.
 */
export class DenialLimit {
  readonly #seen = new Map<string, { start: number; count: number }>();
  readonly #perMinute: number;

  constructor(perMinute = 20) {
    this.#perMinute = perMinute;
  }

  /** @returns whether this denial has a line of its own, and how many before it had none */
  admit(who: string, nowSeconds: number): { readonly own: boolean; readonly summed: number } {
    const before = this.#seen.get(who);
    if (before !== undefined && nowSeconds - before.start < 60) {
      before.count += 1;
      return { own: before.count <= this.#perMinute, summed: 0 };
    }
    if (this.#seen.size > 1000) this.#seen.clear();
    this.#seen.set(who, { start: nowSeconds, count: 1 });
    return { own: true, summed: Math.max(0, (before?.count ?? 0) - this.#perMinute) };
  }

  /** Those that nobody asked about since: for the end of the broker, and for each minute. */
  drain(nowSeconds: number): readonly (readonly [who: string, count: number])[] {
    const over: (readonly [string, number])[] = [];
    for (const [who, { start, count }] of this.#seen) {
      if (nowSeconds - start < 60) continue;
      this.#seen.delete(who);
      if (count > this.#perMinute) over.push([who, count - this.#perMinute]);
    }
    return over;
  }
}
