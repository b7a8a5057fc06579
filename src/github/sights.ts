// What each caller was last shown, under its exact key: the ground of leases, of stored tags and of stale answers. In memory
// only, so that nothing made with a token is ever written.
import { LRUCache } from "lru-cache";
import type { ApiCandidate } from "./candidate.ts";
import type { Moment } from "./lease.ts";
import type { ResponseHeaders } from "./message.ts";

export interface Sight {
  readonly candidate: ApiCandidate;
  /** The tag GitHub gave or confirmed to this caller for these bytes. */
  readonly etag: string | undefined;
  /** When GitHub last said so. */
  readonly at: Moment;
  /** Of its scope, when that call began. */
  readonly epoch: number;
  /** False within the settling time after a write. */
  readonly leasable: boolean;
  readonly pollS: number | undefined;
  readonly live: ResponseHeaders;
  readonly resource: string;
}

/** 16,384 x ~1 kB = 16 MB. */
const MAX_SIGHTS = 16_384;

export type Sights = LRUCache<string, Sight>;

export function makeSights(): Sights {
  return new LRUCache({ max: MAX_SIGHTS });
}
