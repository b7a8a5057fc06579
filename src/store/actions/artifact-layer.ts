// Artifacts as a layer: a run of this repository with `actions: read` reads what any other run uploaded, and GitHub states which run
// that was. One artifact a record and run, found by its exact name; large values lie in a second one, fetched when replayed.
//
//   foregone-r1-<32 hex of the weak fingerprint>    the record and its small values
//   foregone-b1-<32 hex of the record's digest>     its large values
//
// Marks that disown are not kept here: a look-up would pay for a second question, and the Actions cache has them.
import { createHash } from "node:crypto";
import { type Digest, hexOf, sha256Of } from "../../core/digest.ts";
import type { Deflate, Hasher } from "../../ports.ts";
import { retain } from "../entries.ts";
import { type RecordEntry, type Store, StoreError } from "../store.ts";
import {
  type ArtifactContent,
  decodeArtifact,
  encodeArtifact,
  MAX_RECORD_ZIP_BYTES,
  MAX_VALUES_ZIP_BYTES,
  pack,
  unpack,
} from "./artifact-file.ts";
import { getLocation, getObject, idText, type RestParts } from "./rest.ts";
import { download, garbage, saveArtifact, type ServiceParts } from "./results-service.ts";

/** Which run uploaded an artifact, as GitHub states it. */
export interface ArtifactOrigin {
  readonly artifactId: string;
  readonly runId: string;
  readonly headSha: string;
  readonly headBranch: string;
  /** undefined: the fork is gone. */
  readonly headRepositoryId: string | undefined;
}

export interface ArtifactParts {
  readonly rest: RestParts;
  /** undefined: reads only. */
  readonly service: ServiceParts | undefined;
  /** RFC 3339; default: as long as the repository keeps artifacts. */
  readonly expiresAt?: () => string;
  readonly hasher: Hasher;
  readonly deflate: Deflate;
  /** Those worth a download, best first: of a busy repository most runs prove nothing for this job. */
  readonly choose: (found: readonly ArtifactOrigin[]) => Promise<readonly ArtifactOrigin[]>;
}

/** Carried with the record; larger values go into the second artifact. */
const MAX_SMALL_BYTES = 64 * 1024;
const MAX_LISTED = 100;

export class ArtifactLayer implements Store {
  readonly name: string;
  readonly blobs: Store["blobs"];
  readonly records: Store["records"];
  readonly #parts: ArtifactParts;
  readonly #origins = new Map<Digest, ArtifactOrigin[]>();
  /** Deflated. */
  readonly #values = new Map<Digest, Uint8Array>();
  readonly #elsewhere = new Map<Digest, { readonly record: Digest; readonly runId: string }>();
  readonly #large = new Map<string, Promise<ArtifactContent | undefined>>();
  #pending = new Map<Digest, Uint8Array>();

  constructor(parts: ArtifactParts) {
    this.#parts = parts;
    this.name = parts.rest.layer;
    this.blobs = {
      get: (digest) => this.#get(digest),
      put: (bytes) => this.#put(bytes),
      findMissing: async (digests) =>
        digests.filter((digest) => !this.#values.has(digest) && !this.#elsewhere.has(digest)),
    };
    this.records = {
      lookup: (weak) => this.#lookup(weak),
      append: (weak, entry) => this.#append(weak, entry),
    };
  }

  /** The runs that uploaded a record which a look-up found. */
  origins(record: Digest): readonly ArtifactOrigin[] {
    return this.#origins.get(record) ?? [];
  }

  async #lookup(weak: Digest): Promise<readonly RecordEntry[]> {
    const rows = await this.#list(recordName(weak));
    const byOrigin = new Map(rows.map((row) => [row.origin, row]));
    const chosen = await this.#parts.choose(rows.map(({ origin }) => origin));
    const entries = await Promise.all(
      chosen.map(async (origin) => {
        const content = await this.#fetch(origin.artifactId, byOrigin.get(origin)?.digest, MAX_RECORD_ZIP_BYTES);
        return content && this.#learn(origin, content);
      }),
    );
    return retain(entries.flatMap((entry) => entry ?? []));
  }

  #learn(origin: ArtifactOrigin, { entry, values, elsewhere }: ArtifactContent): RecordEntry | undefined {
    if (entry === undefined || entry.disowned === true) return undefined;
    const known = this.#origins.get(entry.record);
    if (known === undefined) this.#origins.set(entry.record, [origin]);
    else known.push(origin);
    for (const [digest, packed] of values) this.#values.set(digest, packed);
    for (const digest of elsewhere) this.#elsewhere.set(digest, { record: entry.record, runId: origin.runId });
    return { ...entry, via: this.name };
  }

  async #get(digest: Digest): Promise<Uint8Array | undefined> {
    const packed = this.#values.get(digest) ?? (await this.#fromLarge(digest));
    return packed && unpack(packed, this.#parts.deflate, MAX_VALUES_ZIP_BYTES);
  }

  async #fromLarge(digest: Digest): Promise<Uint8Array | undefined> {
    const place = this.#elsewhere.get(digest);
    if (place === undefined) return undefined;
    const key = `${place.record} ${place.runId}`;
    const fetching = this.#large.get(key) ?? this.#fetchLarge(place.record, place.runId);
    this.#large.set(key, fetching);
    return (await fetching)?.values.get(digest);
  }

  async #fetchLarge(record: Digest, runId: string): Promise<ArtifactContent | undefined> {
    const rows = await this.#list(valuesName(record));
    const row = rows.find(({ origin }) => origin.runId === runId);
    return row && this.#fetch(row.origin.artifactId, row.digest, MAX_VALUES_ZIP_BYTES);
  }

  async #fetch(id: string, digest: string | undefined, maxBytes: number): Promise<ArtifactContent | undefined> {
    const { rest } = this.#parts;
    const location = await getLocation(rest, `actions/artifacts/${id}/zip`);
    const zip = location === undefined ? undefined : await download(rest, location, maxBytes);
    if (zip === undefined) return undefined;
    if (digest !== undefined && digest !== `sha256:${createHash("sha256").update(zip).digest("hex")}`)
      throw new StoreError(this.name, "bad-bytes", `artifact ${id} is not what its run uploaded`);
    return decodeArtifact(zip, maxBytes);
  }

  async #list(
    name: string,
  ): Promise<readonly { readonly origin: ArtifactOrigin; readonly digest: string | undefined }[]> {
    const answer = await getObject(this.#parts.rest, `actions/artifacts?name=${name}&per_page=${MAX_LISTED}`);
    const rows = answer?.["artifacts"];
    if (!Array.isArray(rows)) throw garbage(this.name);
    return rows.flatMap((row: unknown) => rowOf(row, name) ?? []);
  }

  async #put(bytes: Uint8Array): Promise<Digest> {
    const digest = sha256Of(this.#parts.hasher, bytes);
    const packed = pack(bytes, this.#parts.deflate);
    this.#pending.set(digest, packed);
    this.#values.set(digest, packed);
    return digest;
  }

  /** Uploads the record with what was put since the last one. */
  async #append(weak: Digest, entry: RecordEntry): Promise<void> {
    const { service } = this.#parts;
    if (service === undefined) throw new StoreError(this.name, "read-only", "artifacts can only be read here");
    if (entry.disowned === true) return;
    const pending = this.#pending;
    this.#pending = new Map();
    const isSmall = ([digest, packed]: readonly [Digest, Uint8Array]): boolean =>
      digest === entry.record || packed.length <= MAX_SMALL_BYTES;
    const values = new Map([...pending].filter(isSmall));
    const large = new Map([...pending].filter((value) => !isSmall(value)));
    if (large.size > 0) {
      const zip = encodeArtifact({ entry: undefined, elsewhere: new Set(), values: large });
      await this.#save(service, valuesName(entry.record), zip, MAX_VALUES_ZIP_BYTES);
    }
    const zip = encodeArtifact({ entry, values, elsewhere: new Set(large.keys()) });
    await this.#save(service, recordName(weak), zip, MAX_RECORD_ZIP_BYTES);
  }

  async #save(service: ServiceParts, name: string, zip: Uint8Array, maxBytes: number): Promise<void> {
    if (zip.length > maxBytes)
      throw new StoreError(this.name, "EFBIG", `${zip.length} bytes are more than an artifact of ours holds`);
    await saveArtifact(service, name, zip, this.#parts.expiresAt?.());
  }
}

function recordName(weak: Digest): string {
  return `foregone-r1-${hexOf(weak).slice(0, 32)}`;
}

function valuesName(record: Digest): string {
  return `foregone-b1-${hexOf(record).slice(0, 32)}`;
}

function rowOf(
  row: unknown,
  name: string,
): { readonly origin: ArtifactOrigin; readonly digest: string | undefined } | undefined {
  const { id, name: named, expired, digest, workflow_run: run } = (row ?? {}) as Readonly<Record<string, unknown>>;
  const { id: runId, head_sha, head_branch, head_repository_id } = (run ?? {}) as Readonly<Record<string, unknown>>;
  const [artifact, producer] = [idText(id), idText(runId)];
  if (artifact === undefined || producer === undefined || named !== name || expired === true) return undefined;
  if (typeof head_sha !== "string" || typeof head_branch !== "string") return undefined;
  return {
    digest: typeof digest === "string" && digest.startsWith("sha256:") ? digest : undefined,
    origin: {
      artifactId: artifact,
      runId: producer,
      headSha: head_sha,
      headBranch: head_branch,
      headRepositoryId: idText(head_repository_id),
    },
  };
}
