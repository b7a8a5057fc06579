// Puts a whole record into a store, as a run does: blobs first, then the entry.
import type { Digest } from "../core/digest.ts";
import { OutputLog } from "../core/output-log.ts";
import { encodeRecord } from "../core/record-codec.ts";
import type { InputPath } from "../core/input-path.ts";
import { nodeDeflate } from "../node/store-files.ts";
import type { EpochMs } from "../ports.ts";
import type { Store } from "../store/store.ts";
import { sampleRecord } from "./sample-record.ts";
import { digestOf } from "./store.contract.ts";

export interface Recorded {
  readonly weak: Digest;
  readonly record: Digest;
  readonly output: Digest;
  readonly content: Digest;
}

export interface Recording {
  /** Two records with different names share nothing. */
  readonly name: string;
  /** Of the Action; else by name. */
  readonly weak?: Digest;
  readonly recordedAt?: number;
  readonly contentBytes?: number;
  /** Of the format: 2 is one that nobody knows yet. */
  readonly version?: number;
}

export async function recordInto(store: Store, { name, version, ...more }: Recording): Promise<Recorded> {
  const weak = more.weak ?? digestOf(`action ${name}`);
  const recordedAt = (more.recordedAt ?? 1_000_000) as EpochMs;
  const log = new OutputLog();
  log.add("stdout", Buffer.from(`output of ${name}\n`));
  const output = await store.blobs.put(log.done());
  const content = await store.blobs.put(Buffer.alloc(more.contentBytes ?? 100, `content of ${name} `));
  const outputs = [
    {
      path: `dist/${name}` as InputPath,
      type: "file" as const,
      created: true,
      restored: true,
      mode: 0o644,
      content,
      sizeBytes: more.contentBytes ?? 100,
    },
  ];
  const bytes = encodeRecord(
    {
      ...sampleRecord,
      weak,
      result: { ...sampleRecord.result, output, outputs },
      provenance: { ...sampleRecord.provenance, recordedAt },
    },
    nodeDeflate,
  );
  if (bytes === undefined) throw new Error("too large");
  const versioned = Uint8Array.from(bytes);
  versioned[3] = version ?? 1;
  const record = await store.blobs.put(versioned);
  await store.records.append(weak, {
    pathSet: digestOf("set"),
    strong: digestOf(`strong ${name}`),
    record,
    recordedAt,
  });
  return { weak, record, output, content };
}
