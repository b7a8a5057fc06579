// A Bucket in memory: the double of Redis and S3 in tests of what is built on buckets.
import type { Bucket } from "../store/bucket.ts";

export interface MemoryBucket extends Bucket {
  readonly values: Map<string, Uint8Array>;
  readonly added: Map<string, Uint8Array[]>;
}

export function memoryBucket(name = "bucket"): MemoryBucket {
  const values = new Map<string, Uint8Array>();
  const added = new Map<string, Uint8Array[]>();
  return {
    name,
    values,
    added,
    get: async (key) => values.get(key),
    put: async (key, bytes) => void values.set(key, bytes),
    missing: async (keys) => keys.filter((key) => !values.has(key)),
    addLine: async (key, line) => void added.set(key, [...(added.get(key) ?? []), line]),
    lines: async (key) => added.get(key) ?? [],
  };
}
