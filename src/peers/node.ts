// The one file that knows libp2p: TCP, Noise, Yamux, identify, and one long-lived stream a peer.
import "./promise-with-resolvers.ts";
import { connect } from "node:net";
import { privateKeyFromRaw } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { parseAddress } from "./address.ts";
import type { Duplex, DuplexListener, PeerHost } from "./duplex.ts";

type Libp2p = Awaited<ReturnType<typeof createLibp2p>>;
type Connection = ReturnType<Libp2p["getConnections"]>[number];
type Stream = Awaited<ReturnType<Connection["newStream"]>>;

export const PROTOCOL = "/github-cache/1.0.0";

/** Yamux buffers writes without limit, unless told: 114 MB were measured to a reader that stalled. */
const MAX_WRITE_BUFFER = 8 * 1024 * 1024;
const MAX_READ_BUFFER = 4 * 1024 * 1024;

export interface HostOptions {
  /** 32 bytes: the seed of the identity, and its public key. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  /** IP addresses. */
  readonly interfaces: readonly string[];
  /** Tried in turn; 0: any; none: dial only. */
  readonly ports: readonly number[];
  readonly maxConnections: number;
  /** To connect, upgrade and open the stream. */
  readonly timeoutMs: number;
  readonly onDuplex: (duplex: Duplex) => void;
}

/** @throws Error if libp2p does not start for another reason than a busy port */
export async function startHost(options: HostOptions): Promise<PeerHost> {
  const { ports, interfaces } = options;
  for (const port of ports) {
    try {
      return await listenOn(
        options,
        interfaces.map((ip) => addressOf(ip, port)),
      );
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }
  return listenOn(options, []);
}

export function addressOf(ip: string, port: number): string {
  return `/${ip.includes(":") ? "ip6" : "ip4"}/${ip}/tcp/${port}`;
}

function isBusy(error: unknown): boolean {
  const text = error instanceof AggregateError ? error.errors.map(String).join() : String(error);
  return /EADDRINUSE|EACCES|EADDRNOTAVAIL|UnsupportedListenAddresses|NoValidAddresses/.test(text);
}

async function listenOn(options: HostOptions, listen: readonly string[]): Promise<PeerHost> {
  const { seed, publicKey, maxConnections, timeoutMs, onDuplex } = options;
  const stream = { maxWriteBufferLength: MAX_WRITE_BUFFER, maxReadBufferLength: MAX_READ_BUFFER };
  const node: Libp2p = await createLibp2p({
    privateKey: privateKeyFromRaw(Buffer.concat([seed, publicKey])),
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: stream })],
    nodeInfo: { userAgent: "foregone" },
    services: { identify: identify() },
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections,
      // Runners behind one NAT share an address: at the default of 5 a second the sixth is refused.
      inboundConnectionThreshold: 200,
      maxIncomingPendingConnections: 128,
      inboundUpgradeTimeout: timeoutMs,
      // We dial again by ourselves, and only whom we want.
      reconnectRetries: 0,
    },
    start: false,
  });
  const idle = new Map<Connection, NodeJS.Timeout>();
  // A connection on which nobody speaks our protocol is not kept.
  node.addEventListener("connection:open", ({ detail: connection }) => {
    const timer = setTimeout(() => connection.abort(new Error("no stream of ours")), 2 * timeoutMs);
    idle.set(connection, timer.unref());
  });
  node.addEventListener("connection:close", ({ detail }) => settle(idle, detail));
  await node.handle(
    PROTOCOL,
    (opened, connection) => {
      settle(idle, connection);
      onDuplex(duplexOf(opened, connection, false));
    },
    { maxInboundStreams: 2, maxOutboundStreams: 2 },
  );
  try {
    await node.start();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return {
    listening: node.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/.*$/, "")),
    async dial(address, signal) {
      const connection = await node.dial(multiaddr(address), { signal });
      const opened = await connection.newStream(PROTOCOL, { signal });
      settle(idle, connection);
      return duplexOf(opened, connection, true);
    },
    answers: (address, from) => answers(address, from, timeoutMs),
    stop: async () => {
      for (const timer of idle.values()) clearTimeout(timer);
      await node.stop();
    },
  };
}

/** A peer that announces others' addresses makes us connect to nobody but itself. */
function answers(address: string, from: string, timeoutMs: number): Promise<boolean> {
  const parsed = parseAddress(address);
  if (parsed === undefined || parsed.ip !== from) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect({ host: parsed.ip, port: parsed.port, timeout: timeoutMs });
    const done = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once("connect", () => done(true));
    socket.once("timeout", () => done(false));
    socket.once("error", () => done(false));
  });
}

function settle(idle: Map<Connection, NodeJS.Timeout>, connection: Connection): void {
  clearTimeout(idle.get(connection));
  idle.delete(connection);
}

function duplexOf(stream: Stream, connection: Connection, dialed: boolean): Duplex {
  const ip = /^\/ip[46]\/([^/]+)/.exec(connection.remoteAddr.toString())?.[1] ?? "";
  let closed = false;
  return {
    remoteId: connection.remotePeer.toMultihash().bytes,
    remoteAddress: ip,
    dialed,
    listen(listener: DuplexListener) {
      const end = (): void => {
        if (closed) return;
        closed = true;
        listener.closed();
        // The stream was all we wanted of it.
        void connection.close().catch(() => undefined);
      };
      stream.addEventListener("message", ({ data }) =>
        listener.data(data instanceof Uint8Array ? data : data.subarray()),
      );
      stream.addEventListener("drain", () => listener.drain());
      stream.addEventListener("remoteCloseWrite", () => {
        stream.abort(new Error("closed by the other side"));
        end();
      });
      stream.addEventListener("close", end);
      if (stream.status !== "open") end();
    },
    send(bytes) {
      try {
        return closed || stream.send(bytes);
      } catch {
        // Closing: `closed` follows.
        return true;
      }
    },
    pause: () => quietly(() => stream.pause()),
    resume: () => quietly(() => stream.resume()),
    close: () => quietly(() => stream.abort(new Error("closed"))),
  };
}

/** libp2p throws for what a stream that just ended can no longer do. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // `closed` follows.
  }
}
