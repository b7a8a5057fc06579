// The peers as the API cache's layer: an entry and its sealed candidate are one value under the read's search key, so that one
// round trip brings both; whoever misses may be the one who fetches for the whole fleet. A candidate proves nothing: it is shown
// after a 304 under the reader's own token (docs/github-api-cache.md).
import { LRUCache } from "lru-cache";
import type { Digest } from "../core/digest.ts";
import { retain } from "../store/entries.ts";
import type { Fleet } from "../store/fleet.ts";
import { type RecordEntry, type Store, StoreError } from "../store/store.ts";
import type { GetOutcome } from "./asking.ts";
import { hexKey, sha256 } from "./bytes.ts";
import { decodeEntries, encodeEntries, ENTRY_BYTES } from "./entries.ts";
import type { Getter } from "./getter.ts";
import { LAYER } from "./peers-store.ts";
import { publish } from "./publish.ts";
import { ANY } from "./scope.ts";

/**
 * Candidates between a look-up and the question for their bytes, and between `put` and `append`: as much as is kept for others, within
 * these. Below the first, reads that cross would drop each other's.
 */
const [MIN_PASSING_BYTES, MAX_PASSING_BYTES] = [4 * 1024 * 1024, 32 * 1024 * 1024];
/** Larger bodies are not pushed to owners: 304s keep them cheap where they are. */
const MAX_CANDIDATE_BYTES = 1024 * 1024;
/** Reads under way; each outcome holds a closure. */
const MAX_UNDER_WAY = 4096;

export interface ApiLayer extends Store, Fleet {}

export function apiPeers(getter: Getter): ApiLayer {
  const { mesh } = getter;
  const passing = new LRUCache<Digest, Uint8Array>({
    maxSize: Math.max(MIN_PASSING_BYTES, Math.min(MAX_PASSING_BYTES, mesh.options.limits.memoryBytes)),
    sizeCalculation: (bytes) => bytes.length + 300,
  });
  const underWay = new LRUCache<Digest, GetOutcome[]>({ max: MAX_UNDER_WAY, dispose: endAll });
  const asking = new Map<Digest, Promise<GetOutcome>>();

  /** Sixty callers of this machine who look at the same moment are one to the others. */
  function ask(weak: Digest): Promise<GetOutcome> {
    const before = asking.get(weak);
    if (before !== undefined) return before;
    const now = getter.get("api", weak, [ANY], true).then((outcome) => {
      asking.delete(weak);
      if (outcome.values.length === 0) {
        const others = underWay.get(weak);
        if (others === undefined) underWay.set(weak, [outcome]);
        else others.push(outcome);
      }
      return outcome;
    });
    asking.set(weak, now);
    return now;
  }

  return {
    name: LAYER,
    blobs: {
      get: async (digest) => passing.get(digest),
      async put(bytes) {
        const digest = digestOf(bytes);
        if (bytes.length <= MAX_CANDIDATE_BYTES) passing.set(digest, bytes);
        return digest;
      },
      findMissing: async (digests) => digests.filter((digest) => !passing.has(digest)),
    },
    records: {
      async lookup(weak) {
        const { values } = await ask(weak);
        const entries: RecordEntry[] = [];
        for (const { plain } of values) {
          const [entry] = decodeEntries(plain.subarray(0, ENTRY_BYTES));
          const bytes = plain.subarray(ENTRY_BYTES);
          if (entry === undefined || digestOf(bytes) !== entry.record) continue;
          passing.set(entry.record, bytes);
          entries.push({ ...entry, via: LAYER });
        }
        return retain(entries);
      },
      async append(weak, entry) {
        const bytes = passing.get(entry.record);
        if (bytes === undefined) throw new StoreError(LAYER, "EFBIG", "a candidate too large for peers");
        const plain = Buffer.concat([encodeEntries([entry]), bytes]);
        if ((await publish(mesh, { kind: "api", name: weak, plain })) === 0)
          throw new StoreError(LAYER, "no-owner", "no peer took it");
      },
    },
    // Disposing of it tells the owner.
    done: (weak) => void underWay.delete(weak),
    took: (ms) => getter.origin.note(ms),
    changed: ({ host, owner, repo }) =>
      mesh.tellChanged({
        ...(host !== undefined && { host }),
        ...(owner !== undefined && { owner }),
        ...(repo !== undefined && { repo }),
      }),
  };
}

function endAll(outcomes: readonly GetOutcome[]): void {
  for (const outcome of outcomes) outcome.done();
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${hexKey(sha256(bytes))}` as Digest;
}
