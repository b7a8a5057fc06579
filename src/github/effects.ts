// What the engine needs of the world, and what it tells. Time passes only through `clock` and `sleep`, so that a bench can
// run four hours of a fleet in seconds.
import type { Clock, Hasher, Random } from "../ports.ts";
import { type Upstream, UpstreamError } from "./message.ts";

export type ApiEvent =
  | { readonly kind: "rule"; readonly host: string; readonly media: string; readonly verdict: string }
  | { readonly kind: "tag-lie"; readonly host: string; readonly path: string }
  | { readonly kind: "store-failed"; readonly code: string }
  | { readonly kind: "quota-low"; readonly resource: string; readonly remaining: number; readonly resetS: number }
  | { readonly kind: "refused"; readonly status: number; readonly resource: string };

export interface ApiEffects {
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly random: Random;
  readonly upstream: Upstream;
  /** Resolves after `ms`. @throws UpstreamError "aborted" when `signal` fires */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly onEvent: (event: ApiEvent) => void;
}

/** The real `sleep`. */
export function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => {
      clearTimeout(timer);
      reject(new UpstreamError("aborted", "the client went away"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", gone);
      resolve();
    }, ms);
    if (signal?.aborted === true) gone();
    else signal?.addEventListener("abort", gone, { once: true });
  });
}
