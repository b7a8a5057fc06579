// Invariant 3: bytes from a layer are hashed again before use. The disk layer does so itself; memory need not.
import type { Digest } from "../core/digest.ts";
import { gitBlobOf, sha256Of } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import type { OnStoreEvent } from "./events.ts";
import type { Store } from "./store.ts";

/** Bytes that are not those of the digest asked for are a miss and an event. */
export function verified(inner: Store, hasher: Hasher, onEvent: OnStoreEvent): Store {
  return {
    ...inner,
    blobs: {
      ...inner.blobs,
      async get(digest) {
        const bytes = await inner.blobs.get(digest);
        if (bytes === undefined || hasDigest(hasher, bytes, digest)) return bytes;
        onEvent({ type: "bad-bytes", layer: inner.name, key: digest });
        return undefined;
      },
    },
  };
}

function hasDigest(hasher: Hasher, bytes: Uint8Array, digest: Digest): boolean {
  if (digest.startsWith("sha256:")) return sha256Of(hasher, bytes) === digest;
  return digest.startsWith("git-sha1:") && gitBlobOf(hasher, bytes) === digest;
}
