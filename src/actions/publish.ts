// After the job's own work: what it recorded goes from the disk into the layers that may be written.
import { recordReferences } from "../core/record-codec.ts";
import type { Digest } from "../core/digest.ts";
import type { EpochMs } from "../ports.ts";
import { PUBLISHING } from "../store/actions/http.ts";
import { disowningMark } from "../store/entries.ts";
import { type Store, StoreError } from "../store/store.ts";
import { layerWord } from "./layer-notes.ts";
import { openLayers } from "./remote-layers.ts";
import type { Published, Recorded, RemoteLayer, RemoteParts } from "./remote-records.ts";

/** Beyond 64 MiB a result is not worth moving (docs/soundness.md). */
const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** Blobs first, then the record (invariant 4). */
export async function publishRemotely(
  parts: RemoteParts,
  disk: Store,
  records: readonly Recorded[],
): Promise<readonly Published[]> {
  const { cache, artifacts, gitRefs } = openLayers(parts, parts.patience?.publishing ?? PUBLISHING);
  const targets: (readonly [RemoteLayer, Store])[] = [];
  if (cache !== undefined && servesFromCache(parts)) targets.push(["actions-cache", cache.store]);
  if (artifacts !== undefined) targets.push(["artifacts", artifacts]);
  if (gitRefs !== undefined) targets.push(["git-ref", gitRefs]);
  const published: Published[] = [];
  for (const recorded of records)
    published.push(
      ...(await Promise.all(
        targets.map(([layer, store]) => attempt(layer, () => publishOne(parts, disk, store, recorded))),
      )),
    );
  return published;
}

export async function disownRemotely(parts: RemoteParts, weak: Digest, at: EpochMs): Promise<readonly Published[]> {
  const { cache, gitRefs } = openLayers(parts, parts.patience?.publishing ?? PUBLISHING);
  const targets: (readonly [RemoteLayer, Store])[] = [];
  if (cache !== undefined) targets.push(["actions-cache", cache.store]);
  if (gitRefs !== undefined) targets.push(["git-ref", gitRefs]);
  const mark = disowningMark(at);
  return Promise.all(targets.map(([layer, store]) => attempt(layer, () => store.records.append(weak, mark))));
}

/**
 * In the scope of another branch a record would serve nobody who does not believe scopes, and it would hide those of the default
 * branch from this branch's own jobs: a search stops at the first scope that has the key.
 */
function servesFromCache({ context, level }: RemoteParts): boolean {
  return level === "scope" || context.ref === `refs/heads/${context.defaultBranch}`;
}

async function publishOne(
  parts: RemoteParts,
  disk: Store,
  target: Store,
  { weak, record, label }: Recorded,
): Promise<void> {
  const entry = (await disk.records.lookup(weak)).find((one) => one.record === record);
  const bytes = await disk.blobs.get(record);
  const references = bytes && recordReferences(bytes, parts.effects.deflate);
  if (entry === undefined || bytes === undefined || references === undefined)
    throw new StoreError("disk", "gone", "the record is not on the disk any more");
  let size = 0;
  for (const digest of references) {
    const blob = await disk.blobs.get(digest);
    if (blob === undefined) throw new StoreError("disk", "gone", "bytes of the record are not on the disk any more");
    size += blob.length;
    if (size > MAX_RESULT_BYTES) throw new StoreError(target.name, "EFBIG", "its outputs have more than 64 MiB");
    await target.blobs.put(blob);
  }
  await target.blobs.put(bytes);
  const { via: _, ...own } = entry;
  await target.records.append(weak, own);
  if (label === undefined || target.name !== "actions-cache") return;
  // Once more, so that it travels with this line, too.
  await target.blobs.put(bytes);
  await target.records.append(label, own);
}

async function attempt(layer: RemoteLayer, work: () => Promise<void>): Promise<Published> {
  try {
    await work();
    return { layer, why: undefined };
  } catch (error) {
    return { layer, why: error instanceof StoreError ? layerWord(error.code) : String(error) };
  }
}
