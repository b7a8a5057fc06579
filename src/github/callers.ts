// Who asks. A caller is one Authorization header, a credential is what it holds whatever the scheme word; both are small
// numbers in this process. Tokens are not kept: the table is keyed by a digest under a key that dies with the process.
import { LRUCache } from "lru-cache";
import type { Hasher, Random } from "../ports.ts";

export interface Caller {
  /** Equal for byte-identical Authorization headers. */
  readonly id: number;
  /** Equal for the same token under another scheme word: what GitHub counts by. */
  readonly credential: number;
  /** Prefix that tells what kind of token it is, or "anonymous". No secret. */
  readonly kind: string;
}

/** 8,192 x ~250 B = 2 MB: tokens of a day of jobs. */
const MAX_CALLERS = 8192;

export class Callers {
  readonly #hasher: Hasher;
  readonly #key: string;
  readonly #callers = new LRUCache<string, Caller>({ max: MAX_CALLERS });
  readonly #credentials = new LRUCache<string, number>({ max: MAX_CALLERS });
  /** Never reused: a forgotten caller comes back as a new one, without leases. */
  #next = 1;

  constructor(hasher: Hasher, random: Random) {
    this.#hasher = hasher;
    this.#key = Buffer.from(random.bytes(32)).toString("hex");
  }

  of(authorization: string | undefined): Caller {
    const value = authorization ?? "";
    const digest = this.#digest(value);
    const known = this.#callers.get(digest);
    if (known !== undefined) return known;
    const credential = credentialOf(value);
    const credentialDigest = this.#digest(`credential ${credential}`);
    let number = this.#credentials.get(credentialDigest);
    if (number === undefined) this.#credentials.set(credentialDigest, (number = this.#next++));
    const caller: Caller = { id: this.#next++, credential: number, kind: kindOf(value) };
    this.#callers.set(digest, caller);
    return caller;
  }

  /** GitHub says the credential is bad: if it ever comes back it is a new caller, without leases. */
  forget(authorization: string | undefined): void {
    this.#callers.delete(this.#digest(authorization ?? ""));
  }

  /** A keyed prefix is enough where nobody sees the digest, and takes half the time of an HMAC: this is on every hit. */
  #digest(text: string): string {
    return this.#hasher.sha256(`${this.#key}${text}`);
  }
}

/** What an Authorization header holds, whatever its scheme word. */
function credentialOf(authorization: string): string {
  return authorization.replace(/^\S+\s+/, "");
}

/** Of a credential, by its prefix; no secret. */
export function kindOf(authorization: string): string {
  const credential = credentialOf(authorization);
  if (credential === "") return "anonymous";
  return /^(?:ghs_|ghp_|gho_|ghu_|github_pat_)/.exec(credential)?.[0] ?? "other";
}
