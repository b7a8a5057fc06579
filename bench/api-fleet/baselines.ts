// What others do, each in a few lines: what a call costs (paid, a free 304, or answered locally) and which version it gets.
import type { Call, Mixture } from "./mixture.ts";
import { versionAt } from "./mixture.ts";

export interface Tally {
  paid: number;
  certified: number;
  local: number;
  stale: number;
}

type Outcome = { readonly how: "paid" | "certified" | "local"; readonly version: number };
type Policy = (call: Call, url: string, now: number) => Outcome;

export const BASELINES: Readonly<Record<string, () => Policy>> = {
  "no cache": () => (_call, _url, now) => ({ how: "paid", version: now }),
  "founding TTL cache, per host": () => ttl((call) => String(call.host), foundingTtl),
  "founding TTL cache, one store": () => ttl(() => "", foundingTtl),
  "gh api --cache 60s": () =>
    ttl(
      (call) => `${call.host} ${call.token}`,
      () => 60,
    ),
  "RFC 9111 private, 60 s, per token": () => revalidating((call) => String(call.token), 60),
  "tag per token, central, always asks": () => revalidating((call) => String(call.token), 0),
};

function foundingTtl(url: string): number {
  if (url.includes("/actions/runners")) return 60;
  return /\/actions\/runs|\/check-runs/.test(url) ? 120 : 300;
}

function ttl(who: (call: Call) => string, seconds: (url: string) => number): Policy {
  const kept = new Map<string, { atS: number; version: number }>();
  return (call, url, now) => {
    const key = `${who(call)} ${call.url}`;
    const entry = kept.get(key);
    if (entry !== undefined && call.atS - entry.atS <= seconds(url)) return { how: "local", version: entry.version };
    kept.set(key, { atS: call.atS, version: now });
    return { how: "paid", version: now };
  };
}

function revalidating(who: (call: Call) => string, freshS: number): Policy {
  const kept = new Map<string, { atS: number; version: number }>();
  return (call, _url, now) => {
    const key = `${who(call)} ${call.url}`;
    const entry = kept.get(key);
    if (entry !== undefined && freshS > 0 && call.atS - entry.atS <= freshS)
      return { how: "local", version: entry.version };
    kept.set(key, { atS: call.atS, version: now });
    return { how: entry?.version === now ? "certified" : "paid", version: now };
  };
}

export function play({ calls, urls, changes }: Mixture, make: () => Policy): Tally {
  const policy = make();
  const tally: Tally = { paid: 0, certified: 0, local: 0, stale: 0 };
  for (const call of calls) {
    const now = versionAt(changes[call.url] ?? new Float64Array(), call.atS);
    const { how, version } = policy(call, urls[call.url] ?? "", now);
    tally[how]++;
    if (version !== now) tally.stale++;
  }
  return tally;
}

/** What nobody who is never stale can pay less than, guesses aside: each version of each URL once. */
export function distinctVersions({ calls, changes }: Mixture): number {
  const seen = new Set<string>();
  for (const call of calls) seen.add(`${call.url} ${versionAt(changes[call.url] ?? new Float64Array(), call.atS)}`);
  return seen.size;
}
