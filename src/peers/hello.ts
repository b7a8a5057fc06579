// Membership: both prove that they hold the mesh secret, without sending it, bound to the two ids that Noise already proved. The
// dialer proves it first, so that a stranger who dials gets no MAC to guess at; a MAC relayed to another peer is worth nothing.
import { createHmac, timingSafeEqual } from "node:crypto";
import { lp, sha256 } from "./bytes.ts";
import { bytesIn, countIn, decodeMap, encodeMap, listIn, textIn } from "./cbor.ts";
import type { MeshKey } from "./mesh-key.ts";

const MAGIC = Buffer.from("GHC1", "latin1");
const VERSION = 1;
const NONCE_BYTES = 32;
const MAX_KIDS = 4;
export const MAX_ADDRESSES = 4;
const MAX_ADDRESS_LENGTH = 128;

export interface Hello {
  readonly kids: readonly Uint8Array[];
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** Since when it runs. */
  readonly upMs: number;
  /** Where it can be dialled, multiaddrs; none: it can only dial. */
  readonly addresses: readonly string[];
  /** Name and version, for people. */
  readonly agent: string;
}

export function encodeHello({ kids, nonce, upMs, addresses, agent }: Hello): Buffer {
  const map = { v: [VERSION], kids: [...kids], nonce, up: Math.round(upMs), addrs: [...addresses], agent };
  return Buffer.concat([MAGIC, encodeMap(map)]);
}

/** @returns undefined for anything else, other versions too */
export function decodeHello(body: Buffer): Hello | undefined {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const map = decodeMap(body.subarray(MAGIC.length));
  if (map === undefined || !listIn(map, "v", 16, (v) => v).includes(VERSION)) return undefined;
  const nonce = bytesIn(map, "nonce", NONCE_BYTES);
  const upMs = countIn(map, "up");
  const kids = listIn(map, "kids", MAX_KIDS, (kid) => (kid instanceof Uint8Array ? Buffer.from(kid) : undefined));
  if (nonce === undefined || upMs === undefined) return undefined;
  const addresses = listIn(map, "addrs", MAX_ADDRESSES, addressOf);
  return { kids, nonce, upMs, addresses, agent: textIn(map, "agent", 64) ?? "" };
}

/** Text of a plausible address: printable, no spaces. Whether it may be dialled is judged where it is dialled. */
export function addressOf(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MAX_ADDRESS_LENGTH && /^\/[\x21-\x7e]+$/.test(value)
    ? value
    : undefined;
}

/**
 * The key both sides will use. The two lists may be in any order (a fleet in the middle of a rotation), so both take the dialer's
 * preference.
 */
export function agreedKey(ours: readonly MeshKey[], dialer: Hello, listener: Hello): MeshKey | undefined {
  for (const kid of dialer.kids) {
    if (!listener.kids.some((other) => Buffer.compare(kid, other) === 0)) continue;
    return ours.find((key) => key.kid.equals(kid));
  }
  return undefined;
}

export interface Transcript {
  readonly dialerId: Uint8Array;
  readonly listenerId: Uint8Array;
  /** Bodies as sent. */
  readonly hello: Uint8Array;
  readonly helloAck: Uint8Array;
}

/** @param role whose MAC: the two differ, so that none can be reflected */
export function helloMac(key: MeshKey, role: "dialer" | "listener", transcript: Transcript): Buffer {
  const { dialerId, listenerId, hello, helloAck } = transcript;
  return createHmac("sha256", key.hello)
    .update(lp("foregone/hello/v1", role, dialerId, listenerId))
    .update(sha256(lp(hello), lp(helloAck)))
    .digest();
}

export function encodeAuth(mac: Uint8Array): Buffer {
  return encodeMap({ mac });
}

export function isAuth(body: Buffer, expected: Buffer): boolean {
  const map = decodeMap(body);
  const mac = map && bytesIn(map, "mac", expected.length);
  return mac !== undefined && timingSafeEqual(mac, expected);
}
