// Where records live beyond this machine, and whom we believe, for one job: what the root action opens once in main and once in
// post. Nothing in here ever throws or fails a job; every failure is a miss with a reason, and one line in `notes`.
//
//   main:  const remote = openRemoteRecords({ context, ... });
//          if (context.rule.run !== undefined) -> run, with that Miss; nothing remote is asked
//          const store = remote.over(disk);                       // for recordSource(...) and CommandParts.store
//          const records = { ...recordSource(store, ...), distrust: remote.distrust, further: remote.further };
//          remote.provedBy(id)                                    // after a hit: the proof line's words
//          remote.notes()                                         // after deciding: at most one line a layer
//   post:  records need provenance: runId, runAttempt, checkRun (`job.check_run_id`), event, ref; without checkRun only runs that
//          are over and succeeded are believed
//          if (context.rule.noRecord === undefined) await openRemoteRecords(...).publish(disk, recorded)
//          // and then exit explicitly: an aborted request may keep a socket open
import type { Digest } from "../core/digest.ts";
import type { TrustLevel } from "../core/trust.ts";
import type { RecordSource } from "../memo/lookup.ts";
import type { Clock, Deflate, EpochMs, Fetch, Hasher, Random, Runner } from "../ports.ts";
import { DECIDING, type Patience } from "../store/actions/http.ts";
import { bounded } from "../store/bounded.ts";
import type { OnStoreEvent } from "../store/events.ts";
import { layered } from "../store/layers.ts";
import { readOnly } from "../store/read-only.ts";
import type { Store } from "../store/store.ts";
import { askingLine, LayerNotes } from "./layer-notes.ts";
import { ProducerTrust } from "./producer-trust.ts";
import { disownRemotely, publishRemotely } from "./publish.ts";
import { openLayers, READING } from "./remote-layers.ts";
import type { RunContext } from "./run-context.ts";

export interface RemoteParts {
  readonly context: RunContext;
  /** The input `trust`. */
  readonly level: TrustLevel;
  /** The input `store`: which of them may be used. */
  readonly layers: readonly RemoteLayer[];
  /** `job`: the verdict of the whole job is reused; `step`: that of one command. */
  readonly mode: "step" | "job";
  /** "foregone 0.1.0" */
  readonly tool: string;
  /** Default: 1.5 s an answer and 2 s in all while deciding, 8 s and 15 s while publishing. */
  readonly patience?: { readonly deciding: Patience; readonly publishing: Patience };
  /** The checkout: for trees GitHub does not state. */
  readonly workspace: string;
  readonly effects: {
    readonly fetch: Fetch;
    readonly clock: Clock;
    readonly random: Random;
    readonly hasher: Hasher;
    readonly deflate: Deflate;
    readonly runner: Runner;
    readonly onEvent: OnStoreEvent;
  };
}

/** What `store: auto` means beyond the disk. */
export const REMOTE_LAYERS = ["actions-cache", "artifacts"] as const;
/** `git-ref`: for servers that have neither; believed at `trust: scope` alone, for whoever may push can write there. */
export type RemoteLayer = (typeof REMOTE_LAYERS)[number] | "git-ref";

/** One record that this job made, as it lies in the disk store. */
export interface Recorded {
  readonly weak: Digest;
  /** Of the encoded record. */
  readonly record: Digest;
  /** `PlannedAction.label`: under it a record explains a `no-record` of the same command elsewhere. */
  readonly label?: Digest;
}

export interface Published {
  readonly layer: RemoteLayer;
  /** undefined: all of it is there. */
  readonly why: string | undefined;
}

export interface Proof {
  readonly text: string;
  /** Of the producing run; undefined if no run is known. */
  readonly url: string | undefined;
}

export interface RemoteRecords {
  /**
   * The disk with the remote layers below it. Reads go through; what is written stays on the disk until `publish`. Looking up
   * costs 1.5 s at most a question and 2 s in all that nobody answers, then the layer is off.
   */
  over(disk: Store): Store;
  /** The hook of RecordSource: what artifacts say, each of which costs a call of 1,000 an hour. Marks that disown are never there. */
  readonly further: NonNullable<RecordSource["further"]>;
  /** The hook of RecordSource: who made this record, and may they serve here? */
  readonly distrust: NonNullable<RecordSource["distrust"]>;
  /** Of a record that was not distrusted: "run 9182 attempt 1, push to main at 4f2c1aa0 [protected]", and a link. */
  provedBy(record: Digest): Proof | undefined;
  /** What a person should know, a line each: "artifacts off: the token may not read actions; add permissions: actions: read". */
  notes(): readonly string[];
  /** Puts records of the disk into every layer that may be written. Waits 15 s at most for each layer. */
  publish(disk: Store, records: readonly Recorded[]): Promise<readonly Published[]>;
  /** After a false skip: a mark in the Actions cache, which disowns what was recorded at `at` or before. */
  disown(weak: Digest, at: EpochMs): Promise<readonly Published[]>;
}

export function openRemoteRecords(parts: RemoteParts): RemoteRecords {
  const { effects } = parts;
  const layers = openLayers(parts, parts.patience?.deciding ?? DECIDING);
  const notes = new LayerNotes(layers.off);
  const trust = new ProducerTrust(parts, layers);
  const onEvent: OnStoreEvent = (event) => {
    notes.hear(event);
    effects.onEvent(event);
  };
  const { clock, hasher } = effects;
  const artifacts = layers.artifacts && bounded(trust.noting(layers.artifacts), READING, clock, onEvent);
  return {
    over(disk) {
      const far = layers.stores.map((store) => {
        const asked = store === layers.artifacts ? blobsAlone(store) : trust.noting(store);
        return { store: readOnly(asked, hasher), bounds: READING };
      });
      return layered({ disk, far, clock, hasher, onEvent });
    },
    further: async (weak) => (await artifacts?.records.lookup(weak)) ?? [],
    distrust: (record, claim) => trust.distrust(record, claim),
    provedBy: (record) => trust.provedBy(record),
    notes() {
      const trouble = layers.producers?.trouble;
      return trouble === undefined ? notes.lines() : [...notes.lines(), askingLine(trouble)];
    },
    publish: (disk, records) => publishRemotely(parts, disk, records),
    disown: (weak, at) => disownRemotely(parts, weak, at),
  };
}

/** Looked up apart: see `further`. */
function blobsAlone({ name, blobs, records }: Store): Store {
  return { name, blobs, records: { append: (weak, entry) => records.append(weak, entry), lookup: async () => [] } };
}
