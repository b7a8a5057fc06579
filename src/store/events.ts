// What happens in the store, as typed events: for metrics, `stats` and messages. Their words are in report/; nothing in here
// decides anything. A lookup is not a saving: what a skip saved is counted where the skip happens (counters.ts).

export type StoreOperation = "get" | "put" | "missing" | "lookup" | "append";

export type StoreEvent =
  /** One operation that a layer answered. `found`: a blob, or at least one entry. `bytes`: read or written. */
  | {
      readonly type: "done";
      readonly layer: string;
      readonly operation: StoreOperation;
      readonly found: boolean;
      readonly bytes: number;
      readonly ms: number;
    }
  /** A layer could not do its work; what asked it goes on without. `code`: errno, HTTP status, "timeout", "off". */
  | { readonly type: "failed"; readonly layer: string; readonly operation: StoreOperation; readonly code: string }
  /** A layer gave bytes that are not those of the digest, or a seal that does not open: damage or malice. */
  | { readonly type: "bad-bytes"; readonly layer: string; readonly key: string }
  /** Entries that no key we trust has signed: left out. */
  | { readonly type: "not-believed"; readonly layer: string; readonly count: number }
  /** After too many failures in a row a layer is not asked again in this process. */
  | { readonly type: "layer-off"; readonly layer: string; readonly failures: number };

export type OnStoreEvent = (event: StoreEvent) => void;

/** The code of whatever a layer threw: layers throw StoreError, the libraries below them anything. */
export function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === "string" ? code : typeof name === "string" ? name : "unknown";
}
