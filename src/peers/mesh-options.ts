// What a peer is told about its mesh, and its bounds.
import type { OnPeerEvent } from "./events.ts";
import type { Signer } from "./identity.ts";
import type { MeshKeys } from "./mesh-key.ts";
import type { Changed } from "./messages.ts";
import type { Clock } from "../ports.ts";

export interface MeshLimits {
  readonly maxPeers: number;
  readonly handshakeMs: number;
  readonly keepAliveMs: number;
  readonly maxMessagesPerSecond: number;
  readonly maxBytesPerSecond: number;
  /** Largest value taken from a peer. */
  readonly maxContentBytes: number;
  /** For values kept for others. */
  readonly memoryBytes: number;
  /** Peers that were not heard of for so long are forgotten. */
  readonly livenessMs: number;
  /** A peer younger than this owns no keys: jobs that live a minute would only move them. */
  readonly ringAfterMs: number;
}

export const DEFAULT_LIMITS: MeshLimits = {
  maxPeers: 512,
  handshakeMs: 3000,
  keepAliveMs: 30_000,
  maxMessagesPerSecond: 2000,
  maxBytesPerSecond: 64 * 1024 * 1024,
  maxContentBytes: 16 * 1024 * 1024,
  memoryBytes: 64 * 1024 * 1024,
  livenessMs: 15 * 60_000,
  ringAfterMs: 60_000,
};

export interface MeshOptions {
  readonly network: string;
  readonly keys: MeshKeys;
  readonly signer: Signer;
  /** Whose grants let peers write records. */
  readonly rootKeys: readonly Uint8Array[];
  readonly limits: MeshLimits;
  readonly clock: Clock;
  readonly agent: string;
  /** Told to others instead of the addresses listened on. */
  readonly announce: readonly string[];
  /** Peer ids; only these, if there are any. */
  readonly allow: ReadonlySet<string>;
  readonly block: ReadonlySet<string>;
  /** Bytes of large blobs that this peer has offered. */
  readonly blobs?: (name: string) => Promise<Uint8Array | undefined>;
  readonly onChanged?: (changed: Changed) => void;
  readonly onEvent: OnPeerEvent;
}
