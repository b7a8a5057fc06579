// The one store: content-addressed blobs, and records found by weak fingerprint. Layers differ only in their implementation;
// behaviour is added by decorators (readThrough, verified, bounded, complete, sealed, metered), combined in one place.
import type { Digest } from "../core/digest.ts";
import type { EpochMs } from "../ports.ts";

/** Bytes by digest. A miss is `undefined`; layers throw only `StoreError`, and `bounded` turns that into a miss. */
export interface BlobStore {
  get(digest: Digest): Promise<Uint8Array | undefined>;
  /** Survives the death of this process when it resolves. Writing what is already there is free. Digests are SHA-256. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Those of `digests` that are not here, in their order. */
  findMissing(digests: readonly Digest[]): Promise<readonly Digest[]>;
}

/** What finds a record before any of it is read: 3 digests and a time. The record itself is a blob. */
export interface RecordEntry {
  /** Digest of the path set: entries that share it are decided by one evaluation. */
  readonly pathSet: Digest;
  /** Strong fingerprint: equal means hit. */
  readonly strong: Digest;
  /**
   * The encoded record (core/record-codec.ts). What its result needs, `output` and the contents of restored `outputs`, stays in the
   * store with it; any other blob goes a day after its last use.
   */
  readonly record: Digest;
  readonly recordedAt: EpochMs;
  /** Set on a mark that disowns all older entries of this Action (a false skip was found): see `disowningMark`. */
  readonly disowned?: true;
  /**
   * Set on what came from a layer that vouches for bytes only, with that layer's name: its authority must come from the
   * record's provenance. Absent: this machine's own key, or one it trusts, authenticated the entry. Never stored.
   */
  readonly via?: string;
}

export interface RecordStore {
  /**
   * Newest first. At most 20 path sets with 50 entries each (docs/soundness.md, two-phase lookup). Entries that a mark
   * disowns are left out; the mark itself comes last and equals no strong fingerprint.
   */
  lookup(weak: Digest): Promise<readonly RecordEntry[]>;
  /** Blobs first, then the record: an entry whose blobs are gone is a miss, never an error. */
  append(weak: Digest, entry: RecordEntry): Promise<void>;
}

export interface Store {
  /** For messages and metrics: "memory", "disk", "peers", ... */
  readonly name: string;
  readonly blobs: BlobStore;
  readonly records: RecordStore;
}

/** A layer could not do its work: disk full, refused, timed out. Never the user's problem: a miss with a reason. */
export class StoreError extends Error {
  readonly layer: string;
  /** errno or HTTP status or a short word: "ENOSPC", "403", "timeout". */
  readonly code: string;
  /** A line one can paste or act on. */
  readonly hint: string | undefined;
  constructor(layer: string, code: string, message: string, hint?: string) {
    super(message);
    this.name = "StoreError";
    this.layer = layer;
    this.code = code;
    this.hint = hint;
  }
}
