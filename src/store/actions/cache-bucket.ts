// The Actions cache as a Bucket. Its entries cannot be changed and a search gives only the newest one that begins with a prefix, so
// the lines of a key are written anew each time, as a bundle: those just read and one more. Of two jobs that add at the same moment
// one line is lost, which costs a run and nothing else. Keys are 512 characters at most, and of fixed length up to what a search
// may leave open: "CI" never finds "CI-nightly".
//
//   foregone-r1-<64 hex>-<run>-<attempt>-<8 hex>   lines of records/<64 hex>      (bundle)
//   foregone-d1-<64 hex>-<run>-<attempt>-<8 hex>   lines of disowned/<64 hex>     (bundle)
//   foregone-b1-<64 hex>                           the value blobs/<64 hex>, if it is larger than a bundle carries
import type { Deflate, Random } from "../../ports.ts";
import type { Bucket } from "../bucket.ts";
import { StoreError } from "../store.ts";
import { type BundleLine, decodeBundle, encodeBundle, MAX_BUNDLE_BYTES, MAX_VALUE_BYTES } from "./bundle.ts";
import { download, findCache, MAX_UPLOAD_BYTES, saveCache, type ServiceParts } from "./results-service.ts";

export interface CacheBucketParts extends ServiceParts {
  readonly run: { readonly id: string; readonly attempt: number };
  readonly random: Random;
  readonly deflate: Deflate;
}

export class CacheBucket implements Bucket {
  readonly name: string;
  readonly #parts: CacheBucketParts;
  /** Values that came with a bundle, or are to go with the next one. */
  readonly #carried = new Map<string, Uint8Array>();
  /** Small values put since the last line. */
  #pending = new Map<string, Uint8Array>();
  readonly #urls = new Map<string, string>();
  readonly #saving = new Map<string, Promise<unknown>>();
  readonly #foundAs = new Map<string, string>();

  constructor(parts: CacheBucketParts) {
    this.name = parts.layer;
    this.#parts = parts;
  }

  /** The key of the cache entry that the lines of a bucket key were last read from. */
  foundAs(key: string): string | undefined {
    return this.#foundAs.get(key);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const carried = this.#carried.get(key);
    if (carried !== undefined) return carried;
    const url = await this.#find(key);
    return url === undefined ? undefined : download(this.#parts, url, MAX_UPLOAD_BYTES);
  }

  /** A small value waits for the line that needs it: until then only this process has it. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length <= MAX_VALUE_BYTES) {
      this.#carried.set(key, bytes);
      this.#pending.set(key, bytes);
      return;
    }
    const name = nameOf(key);
    if (name === undefined) throw new StoreError(this.name, "key", `${this.name} has no place for ${key}`);
    const saving = this.#saving.get(key) ?? saveCache(this.#parts, name, bytes);
    this.#saving.set(key, saving);
    await saving.finally(() => this.#saving.delete(key));
  }

  async missing(keys: readonly string[]): Promise<readonly string[]> {
    const here = await Promise.all(
      keys.map(async (key) => this.#carried.has(key) || (await this.#find(key)) !== undefined),
    );
    return keys.filter((_, i) => here[i] !== true);
  }

  async addLine(key: string, line: Uint8Array): Promise<void> {
    const values = this.#pending;
    this.#pending = new Map();
    // One after the other: each reads what the one before has written.
    const before = this.#saving.get(key)?.catch(() => undefined);
    const adding = (before ?? Promise.resolve()).then(() => this.#append(key, { line, values }));
    this.#saving.set(key, adding);
    await adding;
  }

  async lines(key: string): Promise<readonly Uint8Array[]> {
    return (await this.#read(key)).map(({ line }) => line);
  }

  async #append(key: string, added: BundleLine): Promise<void> {
    const { run, random, deflate } = this.#parts;
    const others = (await this.#read(key)).filter(({ line }) => Buffer.compare(line, added.line) !== 0);
    const bundle = encodeBundle([...others, added], deflate);
    const unique = Buffer.from(random.bytes(4)).toString("hex");
    await saveCache(this.#parts, `${nameOf(key)}-${run.id}-${run.attempt}-${unique}`, bundle);
  }

  async #read(key: string): Promise<readonly BundleLine[]> {
    const name = nameOf(key);
    const found = name === undefined ? undefined : await findCache(this.#parts, `${name}-`);
    const bytes = found && (await download(this.#parts, found.url, MAX_BUNDLE_BYTES));
    if (found === undefined || bytes === undefined) return [];
    const lines = decodeBundle(bytes, this.#parts.deflate);
    if (lines === undefined) throw new StoreError(this.name, "garbage", `${this.name} gave what is no bundle`);
    this.#foundAs.set(key, found.key);
    for (const { values } of lines) for (const [name, value] of values) this.#carried.set(name, value);
    return lines;
  }

  /** Where a large value is; a search by key also finds what only begins with it. */
  async #find(key: string): Promise<string | undefined> {
    const known = this.#urls.get(key);
    if (known !== undefined) return known;
    const name = nameOf(key);
    const found = name === undefined ? undefined : await findCache(this.#parts, name);
    if (found === undefined || found.key !== name) return undefined;
    this.#urls.set(key, found.url);
    return found.url;
  }
}

const KINDS: Readonly<Record<string, string>> = { records: "r1", disowned: "d1", blobs: "b1" };

/** undefined: not a key that could be here. */
function nameOf(key: string): string | undefined {
  const [folder = "", hex = ""] = key.split("/");
  const kind = KINDS[folder];
  return kind !== undefined && /^[0-9a-f]{64}$/.test(hex) ? `foregone-${kind}-${hex}` : undefined;
}
