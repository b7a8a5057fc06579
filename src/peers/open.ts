// One peer, put together: identity, mesh, host, and the two layers that others use. libp2p is loaded here and only here.
import type { Clock } from "../ports.ts";
import { type ApiLayer, apiPeers } from "./api-store.ts";
import type { Duplex } from "./duplex.ts";
import { Getter } from "./getter.ts";
import { signerOf } from "./identity.ts";
import { Mesh } from "./mesh.ts";
import type { MeshOptions } from "./mesh-options.ts";
import { peersStore, type RecordWriter } from "./peers-store.ts";
import type { Store } from "../store/store.ts";

export interface PeerOptions extends Omit<MeshOptions, "signer" | "clock"> {
  readonly clock: Clock;
  /** 32 bytes: the identity. */
  readonly seed: Uint8Array;
  readonly interfaces: readonly string[];
  readonly ports: readonly number[];
  readonly waits: boolean;
  /** Of API reads; null: by the origin's latency. */
  readonly budgetMs: number | null;
  readonly writer: () => RecordWriter | undefined;
}

export interface Peer {
  readonly mesh: Mesh;
  readonly getter: Getter;
  /** Records and blobs. */
  readonly store: Store;
  readonly api: ApiLayer;
  /** Undefined: it can only dial, the ports are taken. */
  readonly listening: string | undefined;
  stop(): Promise<void>;
}

/** @throws Error if libp2p does not start */
export async function openPeer(options: PeerOptions): Promise<Peer> {
  const { startHost } = await import("./node.ts");
  const { seed, interfaces, ports, limits, waits, budgetMs, writer } = options;
  const signer = signerOf(seed);
  const mesh = new Mesh({ ...options, signer });
  const host = await startHost({
    seed,
    publicKey: signer.publicKey,
    interfaces,
    ports,
    maxConnections: Math.max(1024, 2 * limits.maxPeers),
    timeoutMs: limits.handshakeMs,
    onDuplex: (duplex: Duplex) => void mesh.take(duplex),
  });
  mesh.start(host);
  const getter = new Getter(mesh, waits, budgetMs);
  return {
    mesh,
    getter,
    store: peersStore(getter, writer),
    api: apiPeers(getter),
    listening: host.listening[0],
    stop: () => mesh.stop(),
  };
}
