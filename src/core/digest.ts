// Digests name bytes, never a file. A Digest is only made by a parser or by hashing.
import type { Hasher } from "../ports.ts";

/** "sha256:<64 hex>", or "git-sha1:<40 hex>" / "git-sha256:<64 hex>" for the id git gives a blob of these bytes. */
export type Digest = string & { readonly __brand: "Digest" };

const SHAPE = /^(?:sha256:[0-9a-f]{64}|git-sha1:[0-9a-f]{40}|git-sha256:[0-9a-f]{64})$/;

/** @returns undefined for anything that is not exactly a digest: a malformed digest is a miss, not a failure */
export function parseDigest(text: string): Digest | undefined {
  return SHAPE.test(text) ? (text as Digest) : undefined;
}

export function sha256Of(hasher: Hasher, data: Uint8Array | string): Digest {
  return `sha256:${hasher.sha256(data)}` as Digest;
}

export function gitBlobOf(hasher: Hasher, data: Uint8Array): Digest {
  return `git-sha1:${hasher.gitBlob(data)}` as Digest;
}

/** @param id as git prints the id of a blob, 40 hex */
export function gitBlobNamed(id: string): Digest {
  return `git-sha1:${id}` as Digest;
}

/** The hex part, for file names and short ids. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}
