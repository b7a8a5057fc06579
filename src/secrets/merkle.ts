// The Merkle tree over the audit lines (RFC 6962, 2.1), grown one leaf at a time: of each full subtree only its root is kept,
// so 1,000,000 lines take 20 hashes. The root of the first n lines names them all: what a checkpoint signs.
import { createHash } from "node:crypto";

/** Roots of the full subtrees, largest first; their sizes are the one bits of `size`. */
export interface MerkleRange {
  readonly size: number;
  readonly roots: readonly Buffer[];
}

export const EMPTY_RANGE: MerkleRange = { size: 0, roots: [] };

export function addLeaf(range: MerkleRange, leaf: Uint8Array): MerkleRange {
  const roots = [...range.roots, hash(0, leaf)];
  for (let bits = range.size; bits % 2 === 1; bits = Math.floor(bits / 2)) {
    const right = roots.pop();
    const left = roots.pop();
    if (left === undefined || right === undefined) throw new TypeError("range: fewer roots than bits");
    roots.push(hash(1, left, right));
  }
  return { size: range.size + 1, roots };
}

export function merkleRoot(range: MerkleRange): Buffer {
  return range.roots.length === 0
    ? createHash("sha256").digest()
    : range.roots.reduceRight((right, left) => hash(1, left, right));
}

function hash(prefix: number, ...parts: readonly Uint8Array[]): Buffer {
  const hasher = createHash("sha256").update(Buffer.of(prefix));
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}
