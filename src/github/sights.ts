// What each caller was last shown, under its exact key: the ground of leases, of stored tags and of stale answers. In memory
// only, so that nothing made with a token is ever written.
import { LRUCache } from "lru-cache";
import type { Held } from "./candidate.ts";
import type { Moment } from "./lease.ts";

export interface Sight {
  readonly candidate: Held;
  /** The tag GitHub gave or confirmed to this caller for these bytes. */
  readonly etag: string | undefined;
  /** When GitHub last said so. */
  readonly at: Moment;
  /** Of its scope, when that call began. */
  readonly epoch: number;
  /** False within the settling time after a write. */
  readonly leasable: boolean;
  readonly pollS: number | undefined;
  /** What is said beside the bytes when they are shown again, but for age and quota: names and values in turn. */
  readonly fields: readonly string[];
  readonly resource: string;
}

/** 4,096 x ~1 kB = 4 MB. Who is forgotten asks GitHub, and gets a 304. */
const MAX_SIGHTS = 4096;

export type Sights = LRUCache<string, Sight>;

export function makeSights(): Sights {
  return new LRUCache({ max: MAX_SIGHTS });
}
