// One shared store as a layer: engine, seal, signatures and limits put together in the order that counts.
//   bucketStore( signed( sealed( engine ) ) )      what rests there is encrypted; what comes back is a member's, and believed
import type { Clock, Hasher, Random } from "../ports.ts";
import { bucketStore } from "./bucket.ts";
import type { OnStoreEvent } from "./events.ts";
import type { FarLayer } from "./layers.ts";
import { readOnly } from "./read-only.ts";
import { type EngineBucket, redisBucket } from "./redis.ts";
import { s3Bucket } from "./s3.ts";
import { sealed } from "./sealed.ts";
import type { SharedAddress } from "./shared-address.ts";
import { signed, type Signing } from "./signed.ts";

/** Of one value: Redis does one thing at a time, and while it moves a large value everybody waits. */
export const REDIS_MAX_BYTES = 1024 * 1024;
/** The largest output that a skip restores. */
export const S3_MAX_BYTES = 64 * 1024 * 1024;
/** What a seal adds, and a little more. */
const SEAL_BYTES = 64;

export interface SharedParts {
  /** 32 bytes that all members hold. */
  readonly secret: Uint8Array;
  /** Names the secret without telling it: members of another network, or of an older secret, do not meet. */
  readonly space: string;
  /** Undefined: every member is believed. */
  readonly signing: Signing | undefined;
  /** False: this process only reads. */
  readonly writes: boolean;
  /** What nobody used for so long goes, where the engine can do that. */
  readonly keepMs: number;
  readonly deadlineMs: number;
  readonly maxFailures: number;
  /** Of a process that lives on: how long a layer that failed is left alone, before it is tried again. */
  readonly restMs?: number;
  readonly effects: { readonly clock: Clock; readonly hasher: Hasher; readonly random: Random };
  readonly onEvent: OnStoreEvent;
}

interface EngineEffects {
  readonly effects: { readonly clock: Clock };
}

export interface SharedLayer extends FarLayer {
  /** Ends its connections, which would keep the process alive. */
  readonly close: () => void;
}

/** Connects at the first operation. @param name of the layer, for messages and metrics */
export async function openShared(name: string, address: SharedAddress, parts: SharedParts): Promise<SharedLayer> {
  const { secret, signing, deadlineMs, maxFailures, restMs, effects, onEvent } = parts;
  const { clock, hasher, random } = effects;
  const maxBytes = address.engine === "redis" ? REDIS_MAX_BYTES : S3_MAX_BYTES;
  const engine = await engineOf(name, address, parts, maxBytes + SEAL_BYTES);
  const closed = sealed(engine, secret, random, onEvent);
  const store = bucketStore(signing === undefined ? closed : signed(closed, signing, clock, onEvent), hasher, true);
  return {
    store: parts.writes ? store : readOnly(store, hasher),
    bounds: { deadlineMs, maxBytes, maxFailures, ...(restMs !== undefined && { restMs }) },
    close: engine.close,
  };
}

/** What every name of a network begins with. */
export function spaceOf(space: string): string {
  return `foregone/${space}/`;
}

/** The engine alone, neither sealed nor bounded: for what brings its own. */
export function engineOf(
  name: string,
  address: SharedAddress,
  { space, keepMs, deadlineMs, effects }: Pick<SharedParts, "space" | "keepMs" | "deadlineMs"> & EngineEffects,
  maxBytes: number,
): Promise<EngineBucket> {
  const limits = { deadlineMs, maxBytes, clock: effects.clock };
  switch (address.engine) {
    case "redis":
      return redisBucket(name, address, { ...limits, keepMs, prefix: spaceOf(space) });
    case "s3":
      return s3Bucket(name, address, {
        ...limits,
        clock: effects.clock,
        prefix: `${address.prefix}foregone/${space}/`,
      });
    default:
      return address satisfies never;
  }
}
