// The words for what went wrong with layers of the store: one line a layer, since a miss is no failure.
import { plural } from "./units.ts";

/** What these words need of a store event (store/events.ts). */
export type LayerTrouble =
  | { readonly type: "failed"; readonly layer: string; readonly code: string }
  | { readonly type: "bad-bytes"; readonly layer: string }
  | { readonly type: "not-believed"; readonly layer: string; readonly count: number };

const CODES: Readonly<Record<string, string>> = {
  timeout: "no answer in time",
  ECONNREFUSED: "nobody listens there",
  ENOTFOUND: "no such host",
  WRONGPASS: "wrong user or password (WRONGPASS)",
  NOAUTH: "it wants a password (NOAUTH)",
  NOPERM: "its user may not do that (NOPERM)",
  READONLY: "it takes no writes (READONLY)",
  OOM: "it is full (OOM)",
  EFBIG: "a value is larger than it takes (EFBIG)",
  garbage: "an answer that makes no sense",
};

/** @returns for each layer its first failure, what it gave that was not right, and what was not believed */
export function layerLines(troubles: readonly LayerTrouble[]): readonly string[] {
  const lines: string[] = [];
  for (const layer of new Set(troubles.map((trouble) => trouble.layer))) {
    const own = troubles.filter((trouble) => trouble.layer === layer);
    const failed = own.find((trouble) => trouble.type === "failed");
    if (failed !== undefined) lines.push(`${layer}: ${CODES[failed.code] ?? failed.code}; went on without it`);
    const wrong = own.filter(({ type }) => type === "bad-bytes").length;
    if (wrong > 0) lines.push(`${layer}: ${plural(wrong, "value")} damaged or of another secret, not used`);
    const strange = Math.max(0, ...own.map((trouble) => (trouble.type === "not-believed" ? trouble.count : 0)));
    if (strange > 0)
      lines.push(
        `${layer}: ${plural(strange, "entry", "entries")} of this command signed by no key of store.trusted-keys`,
      );
  }
  return lines;
}
