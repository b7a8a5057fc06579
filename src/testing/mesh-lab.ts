// Peers on loopback, real in everything: libp2p, sockets, keys. They know each other from the start and own keys at once.
import { randomBytes } from "node:crypto";
import { systemClock } from "../node/ports.ts";
import type { PeerEvent } from "../peers/events.ts";
import { signGrant } from "../peers/grant.ts";
import { peerIdOf, signerOf } from "../peers/identity.ts";
import { DEFAULT_LIMITS, type MeshLimits, type MeshOptions } from "../peers/mesh-options.ts";
import { meshKey, type MeshKeys } from "../peers/mesh-key.ts";
import { openPeer, type Peer } from "../peers/open.ts";
import { type MeshScope, PROTECTED } from "../peers/scope.ts";

export const LAB_NETWORK = "github.com/acme/demo";
export const LAB_KEYS: MeshKeys = [meshKey(Buffer.alloc(32, 7), 1, LAB_NETWORK)];
export const LAB_ROOT = signerOf(Buffer.alloc(32, 77));

export interface LabPeer extends Peer {
  readonly events: PeerEvent[];
}

export interface LabOptions {
  readonly keys?: MeshKeys;
  readonly limits?: Partial<MeshLimits>;
  readonly waits?: boolean;
  readonly budgetMs?: number;
  readonly seed?: Uint8Array;
  /** Default: may write `protected`. */
  readonly scope?: MeshScope | null;
  readonly mesh?: Partial<MeshOptions>;
  /** Default: any free one. */
  readonly ports?: readonly number[];
}

export async function labPeer({
  keys,
  limits,
  waits,
  budgetMs,
  seed,
  scope = PROTECTED,
  mesh,
  ports,
}: LabOptions = {}): Promise<LabPeer> {
  const own = seed ?? randomBytes(32);
  const events: PeerEvent[] = [];
  const now = Date.now();
  const grant =
    scope === null
      ? undefined
      : signGrant(LAB_ROOT, {
          peer: peerIdOf(signerOf(own).publicKey),
          network: LAB_NETWORK,
          scopes: [scope],
          notBefore: now - 60_000,
          expiresAt: now + 3_600_000,
        });
  const peer = await openPeer({
    network: LAB_NETWORK,
    keys: keys ?? LAB_KEYS,
    rootKeys: [LAB_ROOT.publicKey],
    limits: { ...DEFAULT_LIMITS, ringAfterMs: 0, ...limits },
    clock: systemClock,
    agent: "lab",
    announce: [],
    allow: new Set(),
    block: new Set(),
    onEvent: (event) => events.push(event),
    ...mesh,
    seed: own,
    interfaces: ["127.0.0.1"],
    ports: ports ?? [0],
    waits: waits ?? true,
    budgetMs: budgetMs ?? null,
    writer: () => (grant === undefined || scope === null ? undefined : { scope, grant }),
  });
  return { ...peer, events };
}

/** Peers that all know each other; resolves when each has all others in its ring. */
export async function labMesh(count: number, options: LabOptions = {}): Promise<readonly LabPeer[]> {
  const peers: LabPeer[] = [];
  for (let n = 0; n < count; n++) peers.push(await labPeer(options));
  join(peers);
  await until(() => peers.every(({ mesh }) => mesh.ringSize === count), 60_000);
  return peers;
}

export function join(peers: readonly LabPeer[]): void {
  for (const [n, peer] of peers.entries()) {
    for (const other of peers.slice(0, n)) peer.mesh.addAddress(other.listening ?? "", "operator");
    peer.mesh.dialer.tick();
  }
}

/** @throws Error after `ms` */
export async function until(holds: () => boolean, ms = 25_000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`still not so after ${ms} ms: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function stopAll(peers: readonly Peer[]): Promise<void> {
  await Promise.all(peers.map((peer) => peer.stop()));
}
