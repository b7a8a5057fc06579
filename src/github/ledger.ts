// What GitHub last said of each caller's quota, so that an answer from the cache carries live numbers: clients pace
// themselves by them. One entry per caller and resource (core, search, graphql, ...). Pure; callers are opaque numbers.
import { type ResponseHeaders, one } from "./message.ts";

export interface Quota {
  readonly resource: string;
  readonly limit: number;
  readonly remaining: number;
  readonly used: number;
  /** Epoch seconds, as GitHub sends it. */
  readonly resetS: number;
  /** As headers: made once, said on every hit. */
  readonly fields: readonly string[];
}

export class Ledger {
  readonly #quotas = new Map<number, Map<string, Quota>>();

  /** Takes the numbers of an answer that came from GitHub. @returns what they add up to, if it carried any */
  note(caller: number, headers: ResponseHeaders): Quota | undefined {
    const told = quotaOf(headers);
    if (told === undefined) return undefined;
    let known = this.#quotas.get(caller);
    if (known === undefined) this.#quotas.set(caller, (known = new Map()));
    const before = known.get(told.resource);
    // Answers overtake one another: the newest window counts, and within it the highest use.
    if (
      before !== undefined &&
      (before.resetS > told.resetS || (before.resetS === told.resetS && before.used > told.used))
    )
      return before;
    known.set(told.resource, told);
    return told;
  }

  quota(caller: number, resource: string): Quota | undefined {
    return this.#quotas.get(caller)?.get(resource);
  }

  /** The caller's resource with the least left, for the closing line. */
  all(): readonly (Quota & { readonly caller: number })[] {
    return [...this.#quotas].flatMap(([caller, quotas]) => [...quotas.values()].map((quota) => ({ caller, ...quota })));
  }

  forget(caller: number): void {
    this.#quotas.delete(caller);
  }
}

/** The five headers, names and values in turn. A window that has ended counts as full, as GitHub would say. */
export function quotaFields(quota: Quota, nowS: number): readonly string[] {
  return nowS >= quota.resetS ? fieldsOf({ ...quota, remaining: quota.limit, used: 0 }) : quota.fields;
}

function fieldsOf({ limit, remaining, used, resetS, resource }: Omit<Quota, "fields">): readonly string[] {
  return [
    "x-ratelimit-limit",
    String(limit),
    "x-ratelimit-remaining",
    String(remaining),
    "x-ratelimit-used",
    String(used),
    "x-ratelimit-reset",
    String(resetS),
    "x-ratelimit-resource",
    resource,
  ];
}

function quotaOf(headers: ResponseHeaders): Quota | undefined {
  const number = (name: string): number => Number(one(headers, `x-ratelimit-${name}`) ?? Number.NaN);
  const [limit, remaining, reset] = [number("limit"), number("remaining"), number("reset")];
  if (!Number.isFinite(limit) || !Number.isFinite(remaining) || !Number.isFinite(reset)) return undefined;
  const used = number("used");
  const quota = {
    resource: one(headers, "x-ratelimit-resource") ?? "core",
    limit,
    remaining,
    used: Number.isFinite(used) ? used : limit - remaining,
    resetS: reset,
  };
  return { ...quota, fields: fieldsOf(quota) };
}
