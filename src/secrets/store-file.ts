// The store file: one line that says which key, then a canonical JSON body that the key authenticates.
//
//   foregone-secrets/1 id=<store id> kid=k1 provider=file kc=<64 hex> mac=<64 hex>\n
//   {"audit":..,"createdAt":..,"generation":..,"keys":[..],"segments":[{"scope":..,"sealed":..}],"storeId":..}
//
// mac = HMAC-SHA256(K_file, lp(kid, body)). A segment is one scope's credentials, sealed under that scope's own key and
// bound to the generation: opening one scope opens no other, and an older segment does not fit a newer file.
import { createHmac } from "node:crypto";
import { canonicalJson, compareUtf8, type Json } from "../core/canonical.ts";
import { parseScope, scopeText } from "../core/scope.ts";
import type { Policy } from "../core/access.ts";
import type { Random } from "../ports.ts";
import { fromBase64, lp, sameBytes, toBase64 } from "./bytes.ts";
import { commitment, fileKey, FORMAT, type ScopeKeys, scopeKeys } from "./keys.ts";
import {
  currentKey,
  KEY_PROVIDERS,
  type KeyEntry,
  type KeyProvider,
  type StoredVersion,
  type StoreState,
} from "./model.ts";
import { open, seal } from "./seal.ts";

/** 10,000 credentials take 7 MB. */
export const MAX_STORE_BYTES = 16 * 1024 * 1024;
/** NIST SP 800-38D allows 2^32 random nonces for one key; half of that, and `rotate-master` starts anew. */
export const MAX_SEALS = 2 ** 31;

const HEADER =
  /^foregone-secrets\/1 id=([a-z0-9-]{1,64}) kid=(k[0-9]{1,9}) provider=([a-z]+) kc=([0-9a-f]{64}) mac=([0-9a-f]{64})$/;

export interface StoreHeader {
  readonly storeId: string;
  readonly kid: string;
  readonly provider: KeyProvider;
  readonly kc: Buffer;
  readonly mac: Buffer;
  readonly body: Buffer;
}

export type StoreFault = "too-large" | "unknown-format" | "wrong-key" | "damaged";

/** What can be known before the key: nothing here is authenticated yet. */
export function readHeader(bytes: Buffer): StoreHeader | StoreFault {
  if (bytes.length > MAX_STORE_BYTES) return "too-large";
  const end = bytes.indexOf(0x0a);
  const [, storeId = "", kid = "", provider = "", kc = "", mac = ""] =
    HEADER.exec(bytes.subarray(0, end < 0 || end > 512 ? 0 : end).toString("latin1")) ?? [];
  if (!KEY_PROVIDERS.includes(provider as KeyProvider)) return "unknown-format";
  return {
    storeId,
    kid,
    provider: provider as KeyProvider,
    kc: Buffer.from(kc, "hex"),
    mac: Buffer.from(mac, "hex"),
    body: bytes.subarray(end + 1),
  };
}

/** @returns the whole store, authenticated before a byte of it was parsed */
export function decodeStore(header: StoreHeader, master: Uint8Array): StoreState | StoreFault {
  if (!sameBytes(commitment(master, header.kid), header.kc)) return "wrong-key";
  if (!sameBytes(bodyMac(master, header.storeId, header.kid, header.body), header.mac)) return "damaged";
  try {
    return parseBody(header, master) ?? "damaged";
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return "damaged";
    throw error;
  }
}

/**
 * @param state its generation and seals are written as they are
 * @throws RangeError if the file would be larger than a reader takes
 */
export function encodeStore(random: Random, master: Uint8Array, state: StoreState): Buffer {
  const { kid, kc, provider } = currentKey(state);
  const segments = [...bySegment(state.versions)]
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([scope, versions]) => {
      const { keys, aad } = segmentBinding(state, master, kid, scope);
      const text = Buffer.from(canonicalJson(versions.map(encodeVersion)));
      return { scope, sealed: toBase64(seal(random, keys.index, text, aad)) };
    });
  const body = Buffer.from(
    canonicalJson({
      audit: { firstKey: toBase64(state.audit.firstKey), verifyKey: state.audit.verifyKey },
      createdAt: state.createdAt,
      generation: state.generation,
      keys: state.keys.map((k) => ({ ...k })),
      segments,
      storeId: state.storeId,
    }),
  );
  const mac = bodyMac(master, state.storeId, kid, body).toString("hex");
  const line = `${FORMAT} id=${state.storeId} kid=${kid} provider=${provider} kc=${kc} mac=${mac}\n`;
  const bytes = Buffer.concat([Buffer.from(line, "latin1"), body]);
  if (bytes.length > MAX_STORE_BYTES) throw new RangeError(`a store of ${bytes.length} bytes`);
  return bytes;
}

/** How many seals one `encodeStore` makes. */
export function segmentCount(versions: readonly StoredVersion[]): number {
  return bySegment(versions).size;
}

function bodyMac(master: Uint8Array, storeId: string, kid: string, body: Uint8Array): Buffer {
  return createHmac("sha256", fileKey(master, storeId)).update(lp(kid, body)).digest();
}

function segmentBinding(
  state: { readonly storeId: string; readonly generation: number },
  master: Uint8Array,
  kid: string,
  scope: string,
): { readonly keys: ScopeKeys; readonly aad: Buffer } {
  const parsed = parseScope(scope);
  if (parsed === undefined) throw new TypeError(`scope ${scope}`);
  const { kind, id } = parsed;
  return {
    keys: scopeKeys(master, state.storeId, kind, id),
    aad: lp("segment", FORMAT, state.storeId, kind, id, String(state.generation), kid),
  };
}

function bySegment(versions: readonly StoredVersion[]): Map<string, StoredVersion[]> {
  const segments = new Map<string, StoredVersion[]>();
  for (const v of versions) {
    const scope = scopeText(v.scope);
    const segment = segments.get(scope);
    if (segment === undefined) segments.set(scope, [v]);
    else segment.push(v);
  }
  return segments;
}

function encodeVersion(v: StoredVersion): Json {
  return {
    credentialId: v.credentialId,
    kid: v.kid,
    name: v.name,
    notAfter: v.notAfter,
    notBefore: v.notBefore,
    policy: v.policy as Json,
    rotateAfter: v.rotateAfter,
    value: toBase64(v.value),
    version: v.version,
    wrap: toBase64(v.wrap),
    ...(v.scopeName !== undefined && { scopeName: v.scopeName }),
  };
}

// From here on the bytes are ours: a shape that does not fit is damage or a newer program, never an attack.
type Loose = Readonly<Record<string, unknown>>;

function parseBody(header: StoreHeader, master: Uint8Array): StoreState | undefined {
  const body = JSON.parse(header.body.toString("utf8")) as Loose;
  const keys = body["keys"] as readonly KeyEntry[];
  const audit = body["audit"] as Loose;
  const current = keys.find((k) => k.state === "current");
  const firstKey = fromBase64(String(audit["firstKey"]));
  const verifyKey = audit["verifyKey"];
  const generation = body["generation"];
  if (body["storeId"] !== header.storeId || current?.kid !== header.kid) return undefined;
  if (current.provider !== header.provider || !sameBytes(Buffer.from(current.kc, "hex"), header.kc)) return undefined;
  if (typeof generation !== "number" || typeof body["createdAt"] !== "number" || firstKey === undefined)
    return undefined;
  if (verifyKey !== "sealed" && verifyKey !== "recipient") return undefined;
  const versions: StoredVersion[] = [];
  for (const segment of body["segments"] as readonly Loose[]) {
    const scope = String(segment["scope"]);
    const sealed = fromBase64(String(segment["sealed"]));
    if (sealed === undefined) return undefined;
    const { keys: scoped, aad } = segmentBinding({ storeId: header.storeId, generation }, master, header.kid, scope);
    const text = open(scoped.index, sealed, aad);
    if (typeof text === "string") return undefined;
    for (const entry of JSON.parse(text.toString("utf8")) as readonly Loose[])
      versions.push(parseVersion(scope, entry));
  }
  return {
    storeId: header.storeId,
    createdAt: body["createdAt"],
    generation,
    keys,
    audit: { verifyKey, firstKey },
    versions,
  };
}

function parseVersion(scopeName: string, entry: Loose): StoredVersion {
  const scope = parseScope(scopeName);
  const wrap = fromBase64(String(entry["wrap"]));
  const value = fromBase64(String(entry["value"]));
  if (scope === undefined || wrap === undefined || value === undefined) throw new TypeError("version");
  return {
    credentialId: String(entry["credentialId"]),
    name: String(entry["name"]),
    scope,
    version: Number(entry["version"]),
    notBefore: Number(entry["notBefore"]),
    notAfter: entry["notAfter"] === null ? null : Number(entry["notAfter"]),
    rotateAfter: entry["rotateAfter"] === null ? null : Number(entry["rotateAfter"]),
    policy: entry["policy"] as Policy,
    kid: String(entry["kid"]),
    wrap,
    value,
    ...(typeof entry["scopeName"] === "string" && { scopeName: entry["scopeName"] }),
  };
}
