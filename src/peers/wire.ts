// Values on the wire: a list of signed claims, each with its sealed bytes, cut into frames of `u8 flags (1 first, 2 last) | chunk`.
//   value:  u16be length of claim | claim | signature 64 | u32be length | sealed bytes
import { MAX_BODY_BYTES } from "./frame.ts";
import { type Claim, MAX_CLAIM_BYTES, parseClaim, type SignedClaim } from "./claim.ts";
import { SIGNATURE_BYTES } from "./identity.ts";

export interface SealedValue {
  readonly signed: SignedClaim;
  readonly sealed: Buffer;
}

const FIRST = 1;
const LAST = 2;
/** Beside the flags; every piece but the last fills it. */
const ROOM_BYTES = MAX_BODY_BYTES - 1;
/** Writers of one Action whose entries are told. */
export const MAX_VALUES = 20;
/** A claim with its lengths and signature. */
const VALUE_HEAD_BYTES = 2 + MAX_CLAIM_BYTES + SIGNATURE_BYTES + 4;

/** One after the other, not joined: they go into a frame as they are. */
export function encodeValues(values: readonly SealedValue[]): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (const { signed, sealed } of values) {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(signed.bytes.length);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(sealed.length);
    parts.push(head, signed.bytes, signed.signature, size, sealed);
  }
  return parts;
}

/** @returns undefined for anything malformed. Nothing is verified yet */
export function decodeValues(bytes: Buffer): readonly SealedValue[] | undefined {
  const values: SealedValue[] = [];
  let at = 0;
  const take = (count: number): Buffer | undefined => {
    if (count > bytes.length - at) return undefined;
    at += count;
    return bytes.subarray(at - count, at);
  };
  while (at < bytes.length) {
    const claimBytes = take(take(2)?.readUInt16BE() ?? Number.POSITIVE_INFINITY);
    const signature = take(SIGNATURE_BYTES);
    const sealed = take(take(4)?.readUInt32BE() ?? Number.POSITIVE_INFINITY);
    if (claimBytes === undefined || signature === undefined || sealed === undefined) return undefined;
    const signed = parseClaim(claimBytes, signature);
    if (signed === undefined || signed.claim.size !== sealed.length || values.length === MAX_VALUES) return undefined;
    values.push({ signed, sealed });
  }
  return values;
}

/** Bodies of the frames, in order, each in parts. */
export function* chunksOf(parts: readonly Buffer[], size: number): Generator<readonly Buffer[]> {
  if (size <= ROOM_BYTES) return yield [Buffer.from([FIRST | LAST]), ...parts];
  const bytes = Buffer.concat(parts, size);
  let at = 0;
  do {
    const chunk = bytes.subarray(at, at + ROOM_BYTES);
    const flags = (at === 0 ? FIRST : 0) | (at + chunk.length === bytes.length ? LAST : 0);
    yield [Buffer.from([flags]), chunk];
    at += chunk.length;
  } while (at < bytes.length);
}

/** Bytes under reassembly, of all peers together: 64 MiB. */
export class Allowance {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** One answer being put together. Call `end` when it is no longer wanted. */
export class Assembly {
  readonly #allowance: Allowance;
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #held = 0;
  #begun = false;

  /** @param maxContent largest value taken from a peer, sealed */
  constructor(allowance: Allowance, maxContent: number) {
    this.#allowance = allowance;
    this.#maxBytes = maxContent + MAX_VALUES * VALUE_HEAD_BYTES;
  }

  /** @returns all bytes after the last chunk; "more"; or "fault": cut wrongly, too large, or no room for anybody now */
  push(body: Buffer): Buffer | "more" | "fault" {
    const flags = body[0] ?? 0;
    const chunk = body.subarray(1);
    const [first, last] = [(flags & FIRST) !== 0, (flags & LAST) !== 0];
    if (body.length === 0 || first === this.#begun || this.#held + chunk.length > this.#maxBytes) return "fault";
    // Many small pieces would cost more than their bytes.
    if (!last && chunk.length < ROOM_BYTES) return "fault";
    if (!this.#allowance.take(chunk.length)) return "fault";
    this.#begun = true;
    this.#parts.push(chunk);
    this.#held += chunk.length;
    if (!last) return "more";
    const whole = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#held);
    this.end();
    return whole;
  }

  end(): void {
    this.#allowance.give(this.#held);
    this.#parts = [];
    this.#held = 0;
  }
}

/** The value's newest word first; of equally new ones, in the order of their writers. */
export function newestFirst(a: SealedValue, b: SealedValue): number {
  return createdAt(b) - createdAt(a) || Buffer.compare(writer(a), writer(b));
}

const createdAt = ({ signed }: SealedValue): Claim["createdAt"] => signed.claim.createdAt;
const writer = ({ signed }: SealedValue): Claim["writer"] => signed.claim.writer;
