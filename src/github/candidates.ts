// Where candidates live: parsed in memory, sealed in the store. The store is asked again before each call to GitHub, because
// another process or machine may know newer bytes by now; a lease never gets here. Bodies are written after the client has
// its answer; whatever goes wrong with the store is a miss, and the read goes to GitHub.
import { LRUCache } from "lru-cache";
import type { Digest } from "../core/digest.ts";
import { pathSetDigest, strongFingerprint } from "../core/observation.ts";
import type { Action } from "../core/record.ts";
import type { Hasher } from "../ports.ts";
import { type Store, StoreError } from "../store/store.ts";
import { type ApiCandidate, decodeCandidate, encodeCandidate } from "./candidate.ts";
import type { ApiRequest } from "./message.ts";
import { actionOf, searchText, weakOf } from "./request-key.ts";
import { type ApiKeys, open, seal } from "./seal.ts";

/** One read as the candidates know it. */
export interface Look {
  readonly text: string;
  readonly action: () => Action;
  readonly weak: () => Digest;
}

export interface CandidateOptions {
  /** Bytes of bodies in memory. */
  readonly memoryBytes: number;
  /** Per search key: permissions in a body differ by caller, so one is not enough. */
  readonly perKey: number;
  readonly tool: string;
}

export const DEFAULT_CANDIDATES: CandidateOptions = { memoryBytes: 64 * 1024 * 1024, perKey: 4, tool: "foregone" };

/** Search keys with their parsed candidates in memory: 16,384 x ~1.5 kB = 25 MB. */
const MAX_KNOWN = 16_384;
/** Bodies waiting to be written; what comes on top is not stored: a miss later, instead of memory without bound. */
const MAX_UNWRITTEN_BYTES = 64 * 1024 * 1024;

interface Known {
  held: readonly ApiCandidate[];
  /** Records already read from the store, so that each is opened once. */
  readonly read: Set<Digest>;
  /** Bytes came back while others, got by another kind of caller, were newer: both are true at once. */
  byKind: boolean;
  weak?: Digest;
}

export class Candidates {
  readonly #store: Store | undefined;
  readonly #hasher: Hasher;
  #keys: ApiKeys;
  readonly #options: CandidateOptions;
  readonly #onStoreError: (code: string) => void;
  readonly #known = new LRUCache<string, Known>({ max: MAX_KNOWN });
  readonly #bodies: LRUCache<Digest, Buffer>;
  readonly #writing = new Set<Promise<void>>();
  #unwrittenBytes = 0;

  /** @param store undefined: memory only */
  constructor(
    store: Store | undefined,
    hasher: Hasher,
    keys: ApiKeys,
    options: CandidateOptions,
    onStoreError: (code: string) => void,
  ) {
    this.#store = store;
    this.#hasher = hasher;
    this.#keys = keys;
    this.#options = options;
    this.#onStoreError = onStoreError;
    this.#bodies = new LRUCache({
      maxSize: Math.max(1, options.memoryBytes),
      sizeCalculation: (body) => body.length + 300,
    });
  }

  look(request: ApiRequest, accept: string): Look {
    const text = searchText(request, accept);
    let action: Action | undefined;
    const actionNow = (): Action => (action ??= actionOf(request, accept, this.#keys.domain));
    return { text, action: actionNow, weak: () => (this.#entry(text).weak ??= weakOf(this.#hasher, actionNow())) };
  }

  /** Newest first. Asks the store for what this process has not seen. */
  async find(look: Look): Promise<readonly ApiCandidate[]> {
    const known = this.#entry(look.text);
    if (this.#store === undefined) return known.held;
    try {
      const weak = look.weak();
      const entries = (await this.#store.records.lookup(weak)).filter((entry) => entry.disowned !== true);
      for (const entry of entries.slice(0, this.#options.perKey)) {
        if (known.read.has(entry.record)) continue;
        const sealed = await this.#store.blobs.get(entry.record);
        // Unreadable here stays unreadable: asked once, then known.
        remember(known.read, entry.record);
        const plain = sealed && open(this.#keys, recordContext(weak), sealed);
        const candidate = plain && decodeCandidate(weak, plain);
        if (candidate !== undefined) this.#insert(known, candidate);
      }
    } catch (error) {
      this.#failed(error);
    }
    return known.held;
  }

  /** What this process already knows, without looking further. */
  held(look: Look): readonly ApiCandidate[] {
    return this.#known.get(look.text)?.held ?? [];
  }

  byKind(look: Look): boolean {
    return this.#known.get(look.text)?.byKind ?? false;
  }

  /** From memory at once, else from the store. Undefined: gone, altered, or sealed by another domain. */
  body(candidate: ApiCandidate): Buffer | undefined | Promise<Buffer | undefined> {
    return this.#bodies.get(candidate.body) ?? this.#load(candidate);
  }

  /**
   * Keeps an answer. In memory at once, in the store soon.
   * @returns the candidate as kept, known under the digest of its sealed body
   */
  add(look: Look, facts: Omit<ApiCandidate, "body">, body: Buffer): ApiCandidate {
    const sealed = seal(this.#keys, BODY, body);
    const candidate: ApiCandidate = { ...facts, body: `sha256:${this.#hasher.sha256(sealed)}` as Digest };
    const known = this.#entry(look.text);
    const again = known.held.some((other) => other.body === candidate.body);
    const [newest] = known.held;
    if (again && newest !== undefined && newest.body !== candidate.body && newest.kind !== facts.kind)
      known.byKind = true;
    this.#insert(known, candidate);
    this.#bodies.set(candidate.body, body);
    // Known bytes that came back: freshened in memory, not written again.
    if (!again && this.#store !== undefined) this.#write(this.#store, look, known, candidate, sealed);
    return candidate;
  }

  /** Forgets what memory holds of these search keys; what the store holds still needs a 304 to be served. */
  drop(matches: (text: string) => boolean): void {
    for (const text of this.#known.keys()) if (matches(text)) this.#known.delete(text);
  }

  /** From now on under other keys: all that was kept can neither be found nor opened. */
  rekey(keys: ApiKeys): void {
    this.#keys = keys;
    this.#known.clear();
    this.#bodies.clear();
  }

  /** Resolves when everything added so far is durable or has failed. */
  async flush(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  get memory(): { readonly bodies: number; readonly bytes: number; readonly keys: number } {
    return { bodies: this.#bodies.size, bytes: this.#bodies.calculatedSize ?? 0, keys: this.#known.size };
  }

  #entry(text: string): Known {
    let known = this.#known.get(text);
    if (known === undefined) this.#known.set(text, (known = { held: [], read: new Set(), byKind: false }));
    return known;
  }

  #insert(known: Known, candidate: ApiCandidate): void {
    const others = known.held.filter((other) => other.body !== candidate.body);
    known.held = [candidate, ...others].sort((a, b) => b.receivedAt - a.receivedAt).slice(0, this.#options.perKey);
  }

  async #load(candidate: ApiCandidate): Promise<Buffer | undefined> {
    try {
      const sealed = await this.#store?.blobs.get(candidate.body);
      const body = sealed && open(this.#keys, BODY, sealed);
      if (body?.length !== candidate.sizeBytes) return undefined;
      this.#bodies.set(candidate.body, body);
      return body;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #write(store: Store, look: Look, known: Known, candidate: ApiCandidate, sealed: Buffer): void {
    if (this.#unwrittenBytes + sealed.length > MAX_UNWRITTEN_BYTES) {
      this.#onStoreError("EBUSY");
      return;
    }
    this.#unwrittenBytes += sealed.length;
    const written = this.#writeNow(store, look, known, candidate, sealed)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#unwrittenBytes -= sealed.length;
        this.#writing.delete(written);
      });
    this.#writing.add(written);
  }

  /** Body, then record, then entry: killed in between, nothing names what is not there. */
  async #writeNow(store: Store, look: Look, known: Known, candidate: ApiCandidate, sealed: Buffer): Promise<void> {
    const weak = look.weak();
    const action = look.action();
    await store.blobs.put(sealed);
    const encoded = encodeCandidate(weak, action, candidate, this.#options.tool);
    const record = await store.blobs.put(seal(this.#keys, recordContext(weak), encoded));
    remember(known.read, record);
    const pathSet = pathSetDigest(this.#hasher, [{ kind: "http", key: action.argv.join(" ") }]);
    const strong = strongFingerprint(this.#hasher, weak, pathSet, [candidate.body]);
    await store.records.append(weak, { pathSet, strong, record, recordedAt: candidate.receivedAt });
  }

  #failed(error: unknown): void {
    if (!(error instanceof StoreError)) throw error;
    this.#onStoreError(error.code);
  }
}

const BODY = "body";

/** Binds a record to its search key: moved to another one, it does not open. */
function recordContext(weak: Digest): string {
  return `record ${weak}`;
}

/** The last 64 records of a key: more than the store gives at once. */
function remember(read: Set<Digest>, record: Digest): void {
  read.add(record);
  if (read.size <= 64) return;
  const [oldest] = read;
  if (oldest !== undefined) read.delete(oldest);
}
