// A layer that fails on order. `faulty` wraps a Store, `faultyFiles` the file operations below the disk layer.
import type { StoreFiles } from "../ports.ts";
import type { StoreOperation } from "../store/events.ts";
import { type Store, StoreError } from "../store/store.ts";

/** What becomes of one operation. "hang": never answers. "wrong-bytes": a get answers with other bytes. */
export type Fault = { readonly code: string } | "hang" | "wrong-bytes" | undefined;

/** @param plan asked before each operation; `nth` counts all operations from 1 */
export function faulty(inner: Store, plan: (operation: StoreOperation, nth: number) => Fault): Store {
  let nth = 0;
  async function maybe<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    const fault = plan(operation, ++nth);
    if (fault === undefined) return work();
    if (fault === "hang") return new Promise(() => undefined);
    if (fault === "wrong-bytes") return Buffer.from("not what was asked for") as T;
    throw new StoreError(inner.name, fault.code, `${inner.name} ${operation}: ${fault.code}`);
  }
  return {
    name: inner.name,
    blobs: {
      get: (digest) => maybe("get", () => inner.blobs.get(digest)),
      put: (bytes) => maybe("put", () => inner.blobs.put(bytes)),
      findMissing: (digests) => maybe("missing", () => inner.blobs.findMissing(digests)),
    },
    records: {
      lookup: (weak) => maybe("lookup", () => inner.records.lookup(weak)),
      append: (weak, entry) => maybe("append", () => inner.records.append(weak, entry)),
    },
  };
}

export interface FaultyFiles extends StoreFiles {
  /** Steps done so far: a dry run tells how many there are. */
  readonly steps: () => number;
}

/**
 * File operations of which the `nth` fails with `code`. A failing write first writes half of its bytes, as a full disk does.
 * @param before called before every step with its number and name: the place to die
 */
export function faultyFiles(
  inner: StoreFiles,
  nth: number,
  code: string,
  before: (step: number, name: string) => void = () => undefined,
): FaultyFiles {
  let steps = 0;
  const wrapped = Object.entries(inner).map(([name, value]) => {
    if (typeof value !== "function") return [name, value] as const;
    const step = (...args: unknown[]): unknown => {
      steps++;
      before(steps, name);
      if (steps === nth) {
        const error = Object.assign(new Error(`${code}: injected into ${name}`), { code });
        const [fd, bytes] = args;
        if (name === "write" && bytes instanceof Uint8Array)
          inner.write(fd as number, bytes.subarray(0, bytes.length >> 1));
        // A descriptor is gone even if close says that it failed.
        if (name === "close") inner.close(fd as number);
        if (name === "fsync") return Promise.reject(error);
        throw error;
      }
      return (value as (...all: unknown[]) => unknown)(...args);
    };
    return [name, step] as const;
  });
  return { ...(Object.fromEntries(wrapped) as unknown as StoreFiles), steps: () => steps };
}
