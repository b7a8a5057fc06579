// The order of layers and decorators: decided here and nowhere else.
//
//   memory over disk over peers over shared stores; each asked only for what those before it lack.
//   Around each layer that may be slow or hostile: metered( bounded( verified( layer ) ) ).
//   bounded is outside of verified: bytes that are not right are a miss and do not trip the breaker, but time is time.
//   sealed lies below, inside the layer's own store (bucketStore): it works on named bytes.
//   metered is outermost, so it measures what the asker waited for.
import type { Clock, Hasher } from "../ports.ts";
import { bounded, type Bounds } from "./bounded.ts";
import type { OnStoreEvent } from "./events.ts";
import { metered } from "./metered.ts";
import { readThrough } from "./read-through.ts";
import type { Store } from "./store.ts";
import { verified } from "./verified.ts";

/** A layer beyond this machine, and what it may cost. */
export interface FarLayer {
  readonly store: Store;
  readonly bounds: Bounds;
}

export interface Layers {
  /** Of a long-lived process only. */
  readonly memory?: Store;
  readonly disk: Store;
  /** Peers first, then shared stores: by cost. */
  readonly far: readonly FarLayer[];
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly onEvent: OnStoreEvent;
}

export function layered({ memory, disk, far, clock, hasher, onEvent }: Layers): Store {
  const meter = (store: Store): Store => metered(store, clock, onEvent);
  const guard = ({ store, bounds }: FarLayer): Store =>
    meter(bounded(verified(store, hasher, onEvent), bounds, clock, onEvent));
  const near = memory === undefined ? meter(disk) : readThrough(meter(memory), meter(disk), "both", onEvent);
  return far.map(guard).reduce((above, below) => readThrough(above, below, "upper", onEvent), near);
}
