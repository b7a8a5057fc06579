// What a peer keeps for others: sealed values of the keys it owns, leases on those that are missing, and who has the large ones.
// It opens nothing and believes little: a value is kept if its writer signed it, may write there, and the CID is that of the bytes.
// All of it is memory and may be lost: a miss, and somebody asks GitHub again.
import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { equalBytes, hexKey } from "./bytes.ts";
import { type ClaimFault, type ClaimRules, endOf, judgeClaim, type Kind } from "./claim.ts";
import { Leases } from "./lease.ts";
import type { MeshScope } from "./scope.ts";
import { cidOf } from "./seal.ts";
import { MAX_VALUES, newestFirst, type SealedValue } from "./wire.ts";

/** Whoever asks: another peer, or this one. Compared by identity. */
export interface Asker {
  readonly id: Uint8Array;
  /** The value it waits for is there. */
  value(request: number, values: readonly SealedValue[]): void;
  /** Its turn to fetch. */
  granted(request: number, lease: GrantedLease): void;
}

export interface GrantedLease {
  readonly token: string;
  readonly leftMs: number;
}

export interface GetRequest {
  readonly kind: Kind;
  readonly keyHash: Uint8Array;
  /** A value in another scope is not told. */
  readonly scopes: readonly MeshScope[];
  /** Whoever finds nothing will fetch it elsewhere. */
  readonly wantsLease: boolean;
  /** What fetching elsewhere takes. */
  readonly originMs: number;
}

export type GetAnswer =
  | { readonly kind: "values"; readonly values: readonly SealedValue[] }
  | { readonly kind: "miss"; readonly lease?: GrantedLease; readonly holders: readonly Uint8Array[] }
  | { readonly kind: "wait"; readonly ageMs: number; readonly leftMs: number };

export interface OwnerOptions {
  readonly rules: ClaimRules;
  readonly maxBytes: number;
  readonly now: () => number;
  readonly monotonicMs: () => number;
}

export type PutFault = ClaimFault | "cid";

const SLOTS: Readonly<Record<Kind, number>> = { api: 3, record: MAX_VALUES, blob: 1 };
/** Beyond the newest, further candidates of an API read are told as long as all are small. */
const MAX_SEVERAL_BYTES = 256 * 1024;
const OVERHEAD_BYTES = 1500;
/** x ~250 B = 16 MB. */
const MAX_HINTS = 65_536;
const MAX_HOLDERS = 3;

export class Owner {
  readonly #options: OwnerOptions;
  readonly #values: LRUCache<string, readonly SealedValue[]>;
  readonly #holders = new LRUCache<string, readonly Uint8Array[]>({ max: MAX_HINTS });
  readonly #leases = new Leases<Asker>(() => randomBytes(16).toString("hex"));

  constructor(options: OwnerOptions) {
    this.#options = options;
    this.#values = new LRUCache({
      maxSize: Math.max(1, options.maxBytes),
      sizeCalculation: (values) => values.reduce((sum, { sealed }) => sum + sealed.length + OVERHEAD_BYTES, 0),
    });
  }

  get(request: GetRequest, asker: Asker, id: number): GetAnswer {
    const key = hexKey(request.keyHash);
    const values = this.#told(key, request);
    if (values.length > 0) return { kind: "values", values };
    const holders = this.#holders.get(key) ?? [];
    // Leases are for what an origin answers in milliseconds: waits for records or blobs would couple jobs for minutes.
    if (request.kind !== "api" || !request.wantsLease) return { kind: "miss", holders };
    const answer = this.#leases.ask(key, asker, id, request.originMs, this.#options.monotonicMs());
    if (answer.kind === "wait") return answer;
    return { kind: "miss", holders, ...(answer.kind === "lease" && { lease: answer }) };
  }

  /** Keeps a value and hands it to those who wait. @returns why not; whoever sent it is to be told */
  put(value: SealedValue): PutFault | undefined {
    const { claim } = value.signed;
    const now = this.#options.now();
    // Whether this peer owns the key is not asked: views of the ring differ for a while, and memory is bounded.
    const fault = judgeClaim(value.signed, { keyHash: claim.keyHash, now }, this.#options.rules);
    if (fault !== undefined) return fault;
    if (!equalBytes(cidOf(value.sealed), claim.cid)) return "cid";
    const key = hexKey(claim.keyHash);
    const others = (this.#values.get(key) ?? []).filter((other) => endOf(other.signed.claim) > now);
    const before = others.find((other) => isSameSlot(other, value));
    if (before === undefined || before.signed.claim.createdAt < claim.createdAt) {
      const kept = [alone(value), ...others.filter((other) => other !== before)].sort(newestFirst);
      this.#values.set(key, kept.slice(0, SLOTS[claim.kind]));
    }
    for (const { who, request } of this.#leases.fulfilled(key)) who.value(request, [value]);
    return undefined;
  }

  /** Those of the keys that are here, or known to be somewhere. */
  has(keyHash: Uint8Array): boolean {
    const key = hexKey(keyHash);
    return this.#values.has(key) || this.#holders.has(key);
  }

  /** A peer says that it serves this key itself. */
  hint(keyHash: Uint8Array, holder: Uint8Array): void {
    const key = hexKey(keyHash);
    const others = (this.#holders.get(key) ?? []).filter((other) => !equalBytes(other, holder));
    this.#holders.set(key, [holder, ...others].slice(0, MAX_HOLDERS));
  }

  release(keyHash: Uint8Array, asker: Asker, token: string): void {
    const now = this.#options.monotonicMs();
    this.#tell([this.#leases.released(hexKey(keyHash), asker, token, now)]);
  }

  gaveUp(keyHash: Uint8Array, asker: Asker, request: number): void {
    this.#leases.gaveUp(hexKey(keyHash), asker, request);
  }

  gone(asker: Asker): void {
    this.#tell(this.#leases.gone(asker, this.#options.monotonicMs()));
  }

  /** Call now and then: leases of holders that hang pass on. */
  tick(): void {
    this.#tell(this.#leases.lapsed(this.#options.monotonicMs()));
  }

  /** A writer that lied: nothing of it is told any more. */
  forgetWriter(writer: Uint8Array): void {
    for (const [key, values] of this.#values.entries()) {
      const kept = values.filter(({ signed }) => !equalBytes(signed.claim.writer, writer));
      if (kept.length === 0) this.#values.delete(key);
      else if (kept.length < values.length) this.#values.set(key, kept);
    }
  }

  get facts(): { readonly values: number; readonly bytes: number; readonly leases: number } {
    return { values: this.#values.size, bytes: this.#values.calculatedSize ?? 0, leases: this.#leases.size };
  }

  #told(key: string, { kind, scopes }: GetRequest): readonly SealedValue[] {
    const now = this.#options.now();
    const all = (this.#values.get(key) ?? []).filter(
      ({ signed: { claim } }) => claim.kind === kind && scopes.includes(claim.scope) && endOf(claim) > now,
    );
    const bytes = all.reduce((sum, { sealed }) => sum + sealed.length, 0);
    return kind === "api" && bytes > MAX_SEVERAL_BYTES ? all.slice(0, 1) : all;
  }

  #tell(passed: readonly (({ who: Asker; request: number } & GrantedLease) | undefined)[]): void {
    for (const each of passed) each?.who.granted(each.request, { token: each.token, leftMs: each.leftMs });
  }
}

function isSameSlot({ signed: { claim: a } }: SealedValue, { signed: { claim: b } }: SealedValue): boolean {
  // Candidates of one read differ by what they hold, whoever got them; a writer has one list of entries per scope.
  if (a.kind === "api") return equalBytes(a.digest, b.digest);
  return a.kind === "blob" || (a.scope === b.scope && equalBytes(a.writer, b.writer));
}

/** What is cut from a frame, or from Node's pool of small buffers, holds all of that in memory: 8 KB for one of 2. */
function alone({ signed, sealed }: SealedValue): SealedValue {
  const copied = (bytes: Buffer): Buffer => {
    const copy = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(copy);
    return copy;
  };
  const { claim, bytes, signature } = signed;
  return { signed: { claim, bytes: copied(bytes), signature: copied(signature) }, sealed: copied(sealed) };
}
