// Which peers own a key: the two with the highest score (rendezvous hashing). Removing a node moves only its keys. Pure.
import { hexKey, sha256 } from "./bytes.ts";

export interface RingNode {
  /** Bytes of the peer id. */
  readonly id: Uint8Array;
  readonly upMs: number;
}

/** More nodes find nothing more (8 to 64 simulate alike) and cost connections. */
export const MAX_RING = 32;
export const OWNERS = 2;

/** u64be of the first 8 bytes of SHA-256(id, keyHash), as a bigint. */
export function scoreOf(id: Uint8Array, keyHash: Uint8Array): bigint {
  return sha256(id, keyHash).readBigUInt64BE(0);
}

/** The two owners, best first. @param ids in any order, without doubles */
export function ownersOf<T extends { readonly id: Uint8Array }>(
  nodes: readonly T[],
  keyHash: Uint8Array,
): readonly T[] {
  let first: T | undefined;
  let second: T | undefined;
  let firstScore = -1n;
  let secondScore = -1n;
  for (const node of nodes) {
    const score = scoreOf(node.id, keyHash);
    if (first === undefined || ahead(score, node.id, firstScore, first.id)) {
      [second, secondScore] = [first, firstScore];
      [first, firstScore] = [node, score];
    } else if (second === undefined || ahead(score, node.id, secondScore, second.id))
      [second, secondScore] = [node, score];
  }
  return [first, second].filter((node) => node !== undefined);
}

function ahead(score: bigint, id: Uint8Array, otherScore: bigint, otherId: Uint8Array): boolean {
  return score !== otherScore ? score > otherScore : Buffer.compare(id, otherId) < 0;
}

/**
 * Who is in the ring: all up to 32; of more, those longest up (in powers of two of minutes, so that all members agree although
 * their clocks and views differ a little), then by hash of the id.
 */
export function ringOf<T extends RingNode>(nodes: readonly T[]): readonly T[] {
  if (nodes.length <= MAX_RING) return nodes;
  return nodes
    .map((node) => ({
      node,
      age: Math.floor(Math.log2(Math.max(1, node.upMs / 60_000))),
      hash: hexKey(sha256(node.id)),
    }))
    .sort((a, b) => b.age - a.age || (a.hash < b.hash ? -1 : 1))
    .slice(0, MAX_RING)
    .map(({ node }) => node);
}
