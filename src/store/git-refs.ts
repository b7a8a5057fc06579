// Refs of the repository itself as a layer, for servers that have neither the Actions cache nor artifacts (GHES, Gitea, a bare
// repository). The name of a ref is the entry, so a look-up is one `ls-remote`; what it points to is a blob with the record and its
// values. Whoever may push can write here: it vouches for bytes only, and is believed at `trust: scope` alone.
//
//   refs/foregone/r1/<64 hex of the weak fingerprint>/<12 hex of the time><pathSet><strong><record>     3 x 64 hex
//   refs/foregone/r1/<64 hex of the weak fingerprint>/<12 hex of the time>-disowned
import { type Digest, hexOf, parseDigest, sha256Of } from "../core/digest.ts";
import type { Deflate, EpochMs, Hasher } from "../ports.ts";
import { decodeArtifact, encodeArtifact, MAX_VALUES_ZIP_BYTES, pack, unpack } from "./actions/artifact-file.ts";
import { disowningMark, retain } from "./entries.ts";
import { type RecordEntry, type Store, StoreError } from "./store.ts";

/** Runs git in the checkout. Never throws; `status` is null if it did not start, was killed, or said too much. */
export type GitRun = (
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly maxBytes: number; readonly stdin?: Uint8Array },
) => Promise<{ readonly status: number | null; readonly stdout: Uint8Array }>;

export interface GitRefParts {
  readonly git: GitRun;
  /** "origin" */
  readonly remote: string;
  readonly timeoutMs: number;
  readonly hasher: Hasher;
  readonly deflate: Deflate;
}

/** Of one Action; the oldest beyond are deleted by whoever adds one. */
export const MAX_REFS = 100;
const MAX_LIST_BYTES = 1024 * 1024;
const NAME = /^([0-9a-f]{12})(?:([0-9a-f]{64})([0-9a-f]{64})([0-9a-f]{64})|-disowned)$/;

interface Place {
  readonly ref: string;
  readonly oid: string;
}

export class GitRefLayer implements Store {
  readonly name = "git-ref";
  readonly blobs: Store["blobs"];
  readonly records: Store["records"];
  readonly #parts: GitRefParts;
  readonly #places = new Map<Digest, Place>();
  /** Packed. */
  readonly #values = new Map<Digest, Uint8Array>();
  #pending = new Map<Digest, Uint8Array>();

  constructor(parts: GitRefParts) {
    this.#parts = parts;
    this.blobs = {
      get: (digest) => this.#get(digest),
      put: async (bytes) => this.#put(bytes),
      findMissing: async (digests) =>
        digests.filter((digest) => !this.#values.has(digest) && !this.#places.has(digest)),
    };
    this.records = {
      lookup: async (weak) => retain((await this.#list(weak)).map(({ entry }) => entry)),
      append: (weak, entry) => this.#append(weak, entry),
    };
  }

  async #list(weak: Digest): Promise<readonly (Place & { readonly entry: RecordEntry })[]> {
    const folder = folderOf(weak);
    const listed = await this.#git(["ls-remote", "--quiet", this.#parts.remote, `${folder}*`], MAX_LIST_BYTES);
    const found = listed
      .toString("latin1")
      .split("\n")
      .flatMap((line) => {
        const [oid = "", ref = ""] = line.split("\t");
        const entry = ref.startsWith(folder) ? entryOf(ref.slice(folder.length)) : undefined;
        return entry !== undefined && /^[0-9a-f]{40,64}$/.test(oid) ? [{ oid, ref, entry }] : [];
      });
    for (const { oid, ref, entry } of found) this.#places.set(entry.record, { oid, ref });
    return found;
  }

  async #get(digest: Digest): Promise<Uint8Array | undefined> {
    const place = this.#values.has(digest) ? undefined : this.#places.get(digest);
    if (place !== undefined) {
      const { remote } = this.#parts;
      // Without a destination: no ref of the checkout is made. Into the caller's scratch object folder.
      await this.#git(
        ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", remote, place.ref],
        MAX_LIST_BYTES,
      );
      const zip = await this.#git(["cat-file", "blob", place.oid], MAX_VALUES_ZIP_BYTES);
      for (const [each, packed] of decodeArtifact(zip, MAX_VALUES_ZIP_BYTES)?.values ?? [])
        this.#values.set(each, packed);
    }
    const packed = this.#values.get(digest);
    return packed && unpack(packed, this.#parts.deflate, MAX_VALUES_ZIP_BYTES);
  }

  #put(bytes: Uint8Array): Digest {
    const digest = sha256Of(this.#parts.hasher, bytes);
    const packed = pack(bytes, this.#parts.deflate);
    this.#values.set(digest, packed);
    this.#pending.set(digest, packed);
    return digest;
  }

  async #append(weak: Digest, entry: RecordEntry): Promise<void> {
    const values = this.#pending;
    this.#pending = new Map();
    const zip = encodeArtifact({ entry, elsewhere: new Set(), values });
    if (zip.length > MAX_VALUES_ZIP_BYTES)
      throw new StoreError(this.name, "EFBIG", "more than 64 MiB is not kept in a ref");
    const oid = (await this.#git(["hash-object", "-w", "--stdin"], 1_000, zip)).toString("latin1").trim();
    const ref = folderOf(weak) + nameOf(entry);
    await this.#push([`${oid}:${ref}`]);
    const others = (await this.#list(weak)).filter((place) => place.entry.disowned !== true);
    const oldest = others.toSorted((a, b) => b.entry.recordedAt - a.entry.recordedAt).slice(MAX_REFS);
    if (oldest.length > 0) await this.#push(oldest.map((place) => `:${place.ref}`));
  }

  async #push(refspecs: readonly string[]): Promise<void> {
    await this.#git(["push", "--quiet", "--force", "--no-verify", this.#parts.remote, ...refspecs], MAX_LIST_BYTES);
  }

  async #git(args: readonly string[], maxBytes: number, stdin?: Uint8Array): Promise<Buffer> {
    const { git, timeoutMs } = this.#parts;
    const { status, stdout } = await git(args, { timeoutMs, maxBytes, ...(stdin && { stdin }) });
    // What git says may hold the URL with a token: the code alone is told.
    if (status !== 0)
      throw new StoreError(this.name, status === null ? "timeout" : `git-${status}`, `git ${args[0]} failed`);
    return Buffer.from(stdout.buffer, stdout.byteOffset, stdout.length);
  }
}

function folderOf(weak: Digest): string {
  return `refs/foregone/r1/${hexOf(weak)}/`;
}

function nameOf(entry: RecordEntry): string {
  const time = entry.recordedAt.toString(16).padStart(12, "0");
  return entry.disowned === true
    ? `${time}-disowned`
    : time + [entry.pathSet, entry.strong, entry.record].map(hexOf).join("");
}

function entryOf(name: string): RecordEntry | undefined {
  const [, time, ...digests] = NAME.exec(name) ?? [];
  if (time === undefined) return undefined;
  const recordedAt = Number.parseInt(time, 16) as EpochMs;
  const [pathSet, strong, record] = digests.map((hex) =>
    hex === undefined ? undefined : parseDigest(`sha256:${hex}`),
  );
  if (pathSet === undefined || strong === undefined || record === undefined)
    return { ...disowningMark(recordedAt), via: "git-ref" };
  return { pathSet, strong, record, recordedAt, via: "git-ref" };
}
