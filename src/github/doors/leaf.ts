// A certificate for the proxy door: one self-signed leaf for the API hosts, valid a day, key in memory only. It is not an
// authority and none exists, so trusting it lets nobody speak for any other host. RFC 5280; DER by hand, 60 lines,
// because Node makes keys but no certificates.
import { type KeyObject, createHash, generateKeyPairSync, sign } from "node:crypto";
import type { Random } from "../../ports.ts";

export interface Leaf {
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
}

const VALID_MS = 24 * 3_600_000;
/** Clocks of client and proxy are one machine's; a container's may be a little behind. */
const SKEW_MS = 300_000;

export function makeLeaf(hosts: readonly string[], nowMs: number, random: Random): Leaf {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaSha256 = sequence(oid(1, 2, 840, 10045, 4, 3, 2));
  const name = sequence(tlv(0x31, sequence(oid(2, 5, 4, 3), tlv(0x0c, Buffer.from("Foregone API proxy")))));
  const serial = Buffer.from(random.bytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const tbs = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    ecdsaSha256,
    name,
    sequence(utcTime(nowMs - SKEW_MS), utcTime(nowMs + VALID_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(...extensions(hosts, publicKey))),
  );
  const signature = sign("sha256", tbs, { key: privateKey, dsaEncoding: "der" });
  const der = sequence(tbs, ecdsaSha256, tlv(0x03, Buffer.from([0]), signature));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
  };
}

function extensions(hosts: readonly string[], publicKey: KeyObject): Buffer[] {
  const keyId = createHash("sha1")
    .update(publicKey.export({ type: "spki", format: "der" }).subarray(-65))
    .digest();
  const names = hosts.map((host) => tlv(0x82, Buffer.from(host)));
  return [
    // basicConstraints, critical: CA false
    extension([2, 5, 29, 19], true, sequence()),
    // keyUsage, critical: digitalSignature
    extension([2, 5, 29, 15], true, tlv(0x03, Buffer.from([7, 0x80]))),
    // extKeyUsage: serverAuth
    extension([2, 5, 29, 37], false, sequence(oid(1, 3, 6, 1, 5, 5, 7, 3, 1))),
    extension([2, 5, 29, 17], false, sequence(...names)),
    extension([2, 5, 29, 14], false, tlv(0x04, keyId)),
    extension([2, 5, 29, 35], false, sequence(tlv(0x80, keyId))),
  ];
}

function extension(id: readonly number[], critical: boolean, value: Buffer): Buffer {
  return sequence(oid(...id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, ...parts);
}

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function oid(...[first = 0, second = 0, ...rest]: number[]): Buffer {
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

/** YYMMDDHHMMSSZ: right until 2049. */
function utcTime(ms: number): Buffer {
  return tlv(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replaceAll(/[-:T]/g, "")}Z`));
}
