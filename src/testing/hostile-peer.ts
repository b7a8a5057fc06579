// A peer that means harm: raw libp2p, and the protocol written a second time from docs/peers.md, without a line of src/peers. It can
// therefore also lie in every byte.
import "../peers/promise-with-resolvers.ts";
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  randomBytes,
  sign,
} from "node:crypto";
import { decode, encode } from "@ipld/dag-cbor";
import { privateKeyFromRaw } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";

type Libp2p = Awaited<ReturnType<typeof createLibp2p>>;
type Stream = Awaited<ReturnType<ReturnType<Libp2p["getConnections"]>[number]["newStream"]>>;

export interface RawFrame {
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

type Map = Record<string, unknown>;
const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const lp = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );

/** One frame, as it stands on the wire. */
export function raw(type: number, id: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32BE(5 + body.length);
  head[4] = type;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, body]);
}

export const cbor = (map: Map): Buffer => Buffer.from(encode(map));
export const uncbor = (bytes: Uint8Array): Map => decode(bytes);

export class HostilePeer {
  readonly node: Libp2p;
  readonly id: Buffer;
  readonly #seed: Uint8Array;
  readonly #secret: Uint8Array;
  readonly #network: string;

  private constructor(node: Libp2p, id: Buffer, seed: Uint8Array, secret: Uint8Array, network: string) {
    this.node = node;
    this.id = id;
    this.#seed = seed;
    this.#secret = secret;
    this.#network = network;
  }

  /** @param secret of the mesh, 32 bytes: it is a member, or knows nothing */
  static async start(secret: Uint8Array, network: string): Promise<HostilePeer> {
    const seed = randomBytes(32);
    const publicKey = createPublicKey(privateOf(seed)).export({ format: "der", type: "spki" }).subarray(-32);
    const node = await createLibp2p({
      privateKey: privateKeyFromRaw(Buffer.concat([seed, publicKey])),
      addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() },
      connectionMonitor: { enabled: false },
    });
    const id = Buffer.concat([Buffer.from("002408011220", "hex"), publicKey]);
    return new HostilePeer(node, id, seed, secret, network);
  }

  async connect(address: string): Promise<RawLine> {
    const connection = await this.node.dial(multiaddr(address));
    const stream = await connection.newStream("/github-cache/1.0.0");
    return new RawLine(stream, Buffer.from(connection.remotePeer.toMultihash().bytes));
  }

  key(purpose: string, length = 32): Buffer {
    const info = lp("foregone/mesh/v1", purpose, "1", this.#network);
    return Buffer.from(hkdfSync("sha256", this.#secret, Buffer.alloc(0), info, length));
  }

  get listening(): string {
    return String(this.node.getMultiaddrs()[0]).replace(/\/p2p\/.*/, "");
  }

  hello(more: Map = {}): Buffer {
    const map = {
      v: [1],
      kids: [this.key("kid", 8)],
      nonce: randomBytes(32),
      up: 0,
      addrs: [this.listening],
      agent: "x",
    };
    return Buffer.concat([Buffer.from("GHC1"), cbor({ ...map, ...more })]);
  }

  mac(role: string, listener: Uint8Array, hello: Buffer, ack: Buffer): Buffer {
    return createHmac("sha256", this.key("hello"))
      .update(lp("foregone/hello/v1", role, this.id, listener))
      .update(sha256(lp(hello), lp(ack)))
      .digest();
  }

  /** Proves membership as a dialer does. */
  async join(address: string, more: Map = {}): Promise<RawLine> {
    const line = await this.connect(address);
    const hello = this.hello(more);
    line.send(raw(0x01, 0, hello));
    const ack = await line.frame(0x02);
    line.send(raw(0x03, 0, cbor({ mac: this.mac("dialer", line.remote, hello, ack.body) })));
    await line.frame(0x03);
    return line;
  }

  sign(claim: Buffer): Buffer {
    return sign(null, lp("foregone/claim/v1", claim), privateOf(this.#seed));
  }

  /** A sealed value with its claim, right in everything that `change` does not make wrong. */
  value(keyHash: Buffer, plain: Buffer, change: Map = {}): { readonly claim: Buffer; readonly sealed: Buffer } {
    const expiresAt = Number(change["expiresAt"] ?? Date.now() + 3_600_000);
    const digest = sha256(plain);
    const salt = randomBytes(16);
    const secrets = Buffer.from(hkdfSync("sha256", this.key("seal"), salt, "foregone/seal/v1", 44));
    const at = Buffer.alloc(8);
    at.writeBigUInt64BE(BigInt(expiresAt));
    const kid = this.key("kid", 8);
    const cipher = createCipheriv("aes-256-gcm", secrets.subarray(0, 32), secrets.subarray(32));
    cipher.setAAD(lp("foregone/seal/v1", kid, keyHash, digest, this.id, at));
    const text = Buffer.concat([cipher.update(plain), cipher.final()]);
    const sealed = Buffer.concat([Buffer.from([1]), kid, salt, text, cipher.getAuthTag()]);
    const claim = {
      v: 1,
      kind: "api",
      keyHash,
      digest,
      cid: Buffer.concat([Buffer.from([1, 0x55, 0x12, 0x20]), sha256(sealed)]),
      size: sealed.length,
      scope: "",
      createdAt: Date.now(),
      expiresAt,
      writer: this.id,
      ...change,
    };
    return { claim: cbor(claim), sealed };
  }

  /** The body of one VALUE or PUT frame. */
  body({ claim, sealed }: { readonly claim: Buffer; readonly sealed: Buffer }, signature = this.sign(claim)): Buffer {
    const [length, size] = [Buffer.alloc(2), Buffer.alloc(4)];
    length.writeUInt16BE(claim.length);
    size.writeUInt32BE(sealed.length);
    return Buffer.concat([Buffer.from([3]), length, claim, signature, size, sealed]);
  }

  async stop(): Promise<void> {
    await this.node.stop();
  }
}

function privateOf(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** A stream as bytes, and the frames that came. */
export class RawLine {
  readonly stream: Stream;
  readonly remote: Buffer;
  readonly ended: Promise<void>;
  isOver = false;
  onFrame: (frame: RawFrame) => void = () => undefined;
  readonly #frames: RawFrame[] = [];
  readonly #waiting = new Set<() => void>();
  #rest = Buffer.alloc(0);

  constructor(stream: Stream, remote: Buffer) {
    this.stream = stream;
    this.remote = remote;
    stream.addEventListener("message", ({ data }) => this.#take(data.subarray()));
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.isOver = true;
        for (const wake of this.#waiting) wake();
        resolve();
      };
      stream.addEventListener("close", end);
      stream.addEventListener("remoteCloseWrite", end);
      // It may have been reset before anybody listened.
      if (stream.status !== "open") end();
    });
  }

  send(bytes: Uint8Array): void {
    try {
      if (!this.isOver) this.stream.send(bytes);
    } catch {
      // The victim closed it in this very moment: `ended` follows.
    }
  }

  /** The next frame of that type. @throws Error when the stream ends first */
  async frame(type: number): Promise<RawFrame> {
    for (;;) {
      const at = this.#frames.findIndex((frame) => frame.type === type);
      if (at >= 0) return this.#frames.splice(at, 1)[0] as RawFrame;
      if (this.isOver) throw new Error(`ended before a frame of type ${type}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #take(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9 && this.#rest.length >= 4 + this.#rest.readUInt32BE(0)) {
      const end = 4 + this.#rest.readUInt32BE(0);
      const frame = {
        type: this.#rest[4] ?? 0,
        id: this.#rest.readUInt32BE(5),
        body: Buffer.from(this.#rest.subarray(9, end)),
      };
      this.#rest = this.#rest.subarray(end);
      this.#frames.push(frame);
      this.onFrame(frame);
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
