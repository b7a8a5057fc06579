// GitHub's webhooks end leases early. They only ever do that: one that is lost, late or forged in vain makes no answer wrong.
import { createHmac, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Invalidation } from "../engine.ts";
import type { RequestHeaders } from "../message.ts";

/** GitHub sends at most 25 MiB. */
export const MAX_WEBHOOK_BYTES = 25 * 1024 * 1024;

export type WebhookVerdict =
  | { readonly kind: "accepted"; readonly invalidates: Invalidation }
  | { readonly kind: "repeated" }
  | { readonly kind: "refused"; readonly why: string };

export class Webhooks {
  readonly #secret: string | undefined;
  readonly #seen = new LRUCache<string, true>({ max: 10_000 });

  /** @param secret undefined: every delivery is refused */
  constructor(secret: string | undefined) {
    this.#secret = secret;
  }

  /** The signature is compared before a byte of the body is looked at. */
  judge(headers: RequestHeaders, body: Buffer): WebhookVerdict {
    if (this.#secret === undefined || this.#secret === "") return { kind: "refused", why: "no secret is set" };
    const wanted = Buffer.from(`sha256=${createHmac("sha256", this.#secret).update(body).digest("hex")}`);
    const given = Buffer.from(headers["x-hub-signature-256"] ?? "");
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      return { kind: "refused", why: "wrong signature" };
    const delivery = headers["x-github-delivery"];
    if (delivery !== undefined) {
      if (this.#seen.has(delivery)) return { kind: "repeated" };
      this.#seen.set(delivery, true);
    }
    return { kind: "accepted", invalidates: invalidationOf(body) };
  }
}

/** Repository, else organisation, else everything. */
function invalidationOf(body: Buffer): Invalidation {
  try {
    const event = JSON.parse(body.toString()) as {
      repository?: { full_name?: unknown };
      organization?: { login?: unknown };
    };
    const full = event.repository?.full_name;
    const [owner, repo] = typeof full === "string" ? full.toLowerCase().split("/") : [];
    if (owner !== undefined && repo !== undefined) return { owner, repo };
    const login = event.organization?.login;
    return typeof login === "string" ? { owner: login.toLowerCase() } : {};
  } catch {
    return {};
  }
}
