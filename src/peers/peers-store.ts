// The peers as a layer of the store: blobs by digest, and each writer's entries of an Action as one signed value. Entries of the scope
// `protected` are vouched for: a root key that this machine trusts granted their writer that scope. Others say `via`.
import { LRUCache } from "lru-cache";
import type { Digest } from "../core/digest.ts";
import { retain } from "../store/entries.ts";
import { type RecordEntry, type Store, StoreError } from "../store/store.ts";
import { equalBytes, hexKey, sha256 } from "./bytes.ts";
import { decodeEntries, encodeEntries } from "./entries.ts";
import { findMissing } from "./find.ts";
import type { Getter } from "./getter.ts";
import { publish } from "./publish.ts";
import { ANY, type MeshScope, PROTECTED } from "./scope.ts";
import type { Fetched } from "./verify.ts";

export const LAYER = "peers";

/** By what right this peer writes records. */
export interface RecordWriter {
  readonly scope: MeshScope;
  readonly grant: Uint8Array;
}

/** Lists of ours that need not be asked back before they grow: 1024 x mostly 1 KB, at most 112 KB. */
const MAX_OWN = 1024;

/** @param writer undefined: records are only read */
export function peersStore(getter: Getter, writer: () => RecordWriter | undefined): Store {
  const { mesh } = getter;
  const own = new LRUCache<string, readonly RecordEntry[]>({ max: MAX_OWN });
  const appending = new Map<Digest, Promise<void>>();

  /** Each writer's list, newest first. */
  async function lists(weak: Digest): Promise<readonly Fetched[]> {
    const scopes = [...new Set([PROTECTED, writer()?.scope ?? PROTECTED])];
    // Both owners: one that restarted has only what was written since, and must hide neither older lists nor marks.
    const both = await Promise.all([false, true].map((second) => getter.get("record", weak, scopes, false, second)));
    return both.flatMap(({ values }) => values).sort((a, b) => b.claim.createdAt - a.claim.createdAt);
  }

  async function append(weak: Digest, entry: RecordEntry): Promise<void> {
    const right = writer();
    if (right === undefined)
      throw new StoreError(LAYER, "no-grant", "this peer may not write records", "foregone peers grant --help");
    const key = `${right.scope} ${weak}`;
    const before = own.get(key) ?? ownEntries(await lists(weak), mesh.id, right.scope);
    const entries = retain([...before, entry]);
    // Before it is sent: an owner may be gone, and the next append brings all again.
    own.set(key, entries);
    const plain = encodeEntries(entries);
    if ((await publish(mesh, { kind: "record", name: weak, plain, ...right })) === 0) throw nobody();
  }

  return {
    name: LAYER,
    blobs: {
      async get(digest) {
        const [found] = (await getter.get("blob", digest, [ANY], false)).values;
        return found?.plain;
      },
      async put(bytes) {
        const digest = `sha256:${hexKey(sha256(bytes))}` as Digest;
        if ((await findMissing(mesh, [digest])).length === 0) return digest;
        if ((await publish(mesh, { kind: "blob", name: digest, plain: bytes })) === 0) throw nobody();
        return digest;
      },
      findMissing: (digests) => findMissing(mesh, digests),
    },
    records: {
      async lookup(weak) {
        const entries = (await lists(weak)).flatMap(({ claim, plain }) =>
          decodeEntries(plain).map((entry) => (claim.scope === PROTECTED ? entry : { ...entry, via: LAYER })),
        );
        return retain(entries);
      },
      append(weak, entry) {
        // One after the other, or two at once would each send a list without the other's entry.
        const before = appending.get(weak) ?? Promise.resolve();
        const now = before.catch(() => undefined).then(() => append(weak, entry));
        appending.set(weak, now);
        return now.finally(() => {
          if (appending.get(weak) === now) appending.delete(weak);
        });
      },
    },
  };
}

function ownEntries(lists: readonly Fetched[], id: Uint8Array, scope: MeshScope): readonly RecordEntry[] {
  const list = lists.find(({ claim }) => claim.scope === scope && equalBytes(claim.writer, id));
  return list === undefined ? [] : decodeEntries(list.plain);
}

function nobody(): StoreError {
  return new StoreError(LAYER, "no-owner", "no peer took it");
}
