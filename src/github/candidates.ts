// Where candidates live: parsed in memory, sealed in the store. The store is asked again before each call to GitHub, because
// another process or machine may know newer bytes by now; a lease never gets here. Bodies are written after the client has
// its answer; whatever goes wrong with the store is a miss, and the read goes to GitHub.
import { LRUCache } from "lru-cache";
import { type Digest, sha256Of } from "../core/digest.ts";
import { pathSetDigest, strongFingerprint } from "../core/observation.ts";
import type { Action } from "../core/record.ts";
import type { Hasher } from "../ports.ts";
import { type Store, StoreError } from "../store/store.ts";
import { type ApiCandidate, type Held, decodeCandidate, encodeCandidate } from "./candidate.ts";
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

export const DEFAULT_CANDIDATES: CandidateOptions = { memoryBytes: 32 * 1024 * 1024, perKey: 4, tool: "foregone" };

/** Search keys with their candidates in memory: 4,096 x ~1.2 kB = 5 MB; others are read from the store again. */
const MAX_KNOWN = 4096;
/** Bodies waiting to be written; what comes on top is not stored: a miss later, instead of memory without bound. */
const MAX_UNWRITTEN_BYTES = 64 * 1024 * 1024;

interface Known {
  held: readonly Held[];
  /** Blobs that did not open or decode: not asked for again. */
  unreadable?: Set<Digest>;
  /** Bytes came back while others, got by another kind of caller, were newer: both are true at once. */
  byKind: boolean;
  weak?: Digest;
}

/** Of a search key whose entries somebody damages all the time. */
const MAX_UNREADABLE = 64;

export class Candidates {
  readonly #store: Store | undefined;
  readonly #hasher: Hasher;
  #keys: ApiKeys;
  readonly #options: CandidateOptions;
  readonly #onStoreError: (code: string) => void;
  readonly #known = new LRUCache<string, Known>({ max: MAX_KNOWN });
  readonly #bodies: LRUCache<Digest, Buffer>;
  readonly #writing = new Set<Promise<void>>();
  /** By search key: the last write under way. */
  readonly #writingOf = new Map<string, Promise<void>>();
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
      // A buffer, its key and its links take some 700 bytes beside what is in it.
      sizeCalculation: (body) => body.length + 700,
    });
  }

  look(request: ApiRequest, accept: string): Look {
    const text = searchText(request, accept);
    let action: Action | undefined;
    const actionNow = (): Action => (action ??= actionOf(request, accept, this.#keys.domain));
    return { text, action: actionNow, weak: () => (this.#entry(text).weak ??= weakOf(this.#hasher, actionNow())) };
  }

  /** Newest first. Asks the store for what this process has not seen. */
  async find(look: Look): Promise<readonly Held[]> {
    const known = this.#entry(look.text);
    if (this.#store === undefined) return known.held;
    try {
      const weak = look.weak();
      for (const { record, disowned } of (await this.#store.records.lookup(weak)).slice(0, this.#options.perKey)) {
        if (disowned === true || known.unreadable?.has(record) === true) continue;
        if (known.held.some((held) => held.stored === record)) continue;
        const read = await this.#read(weak, record);
        if (read === undefined) noteUnreadable(known, record);
        else if (
          !known.held.some((held) => held.body === read.candidate.body && held.receivedAt >= read.candidate.receivedAt)
        )
          this.#insert(known, { ...read.candidate, stored: record });
      }
    } catch (error) {
      this.#failed(error);
    }
    return known.held;
  }

  byKind(look: Look): boolean {
    return this.#known.get(look.text)?.byKind ?? false;
  }

  /** From memory at once, else from the store. Undefined: gone, altered, or sealed by another domain. */
  body(look: Look, candidate: Held): Buffer | undefined | Promise<Buffer | undefined> {
    return this.#bodies.get(candidate.body) ?? this.#load(look, candidate);
  }

  /** Keeps an answer. In memory at once, in the store soon. */
  add(look: Look, facts: Omit<ApiCandidate, "body">, received: Buffer): Held {
    const body = ownBytes(received);
    const candidate: Held = { ...facts, body: sha256Of(this.#hasher, body) };
    const known = this.#entry(look.text);
    const [newest] = known.held;
    const before = known.held.find((other) => other.body === candidate.body);
    if (before !== undefined && newest !== undefined && newest !== before && newest.kind !== facts.kind)
      known.byKind = true;
    this.#insert(known, candidate);
    this.#bodies.set(candidate.body, body);
    // Known bytes that came back: freshened in memory, not written again, unless what belongs to them is other.
    if (before?.stored !== undefined && alike(before, candidate)) candidate.stored = before.stored;
    else if (this.#store !== undefined) this.#write(this.#store, look, candidate, body);
    return candidate;
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

  /** Resolves when what was added for this read is stored or has failed. */
  async settled(look: Look): Promise<void> {
    await this.#writingOf.get(look.text);
  }

  get memory(): { readonly bodies: number; readonly bytes: number; readonly keys: number } {
    return { bodies: this.#bodies.size, bytes: this.#bodies.calculatedSize ?? 0, keys: this.#known.size };
  }

  #entry(text: string): Known {
    let known = this.#known.get(text);
    if (known === undefined) this.#known.set(text, (known = { held: [], byKind: false }));
    return known;
  }

  #insert(known: Known, candidate: Held): void {
    const others = known.held.filter((other) => other.body !== candidate.body);
    known.held = [candidate, ...others].sort((a, b) => b.receivedAt - a.receivedAt).slice(0, this.#options.perKey);
  }

  async #load(look: Look, candidate: Held): Promise<Buffer | undefined> {
    if (candidate.stored === undefined) return undefined;
    try {
      const read = await this.#read(look.weak(), candidate.stored);
      return read?.candidate.body === candidate.body ? read.body : undefined;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  async #read(weak: Digest, record: Digest): Promise<{ candidate: ApiCandidate; body: Buffer } | undefined> {
    const sealed = await this.#store?.blobs.get(record);
    const plain = sealed && open(this.#keys, contextOf(weak), sealed);
    const read = plain && decodeCandidate(this.#hasher, weak, plain);
    if (read !== undefined) this.#bodies.set(read.candidate.body, read.body);
    return read;
  }

  #write(store: Store, look: Look, candidate: Held, body: Buffer): void {
    if (this.#unwrittenBytes + body.length > MAX_UNWRITTEN_BYTES) {
      this.#onStoreError("EBUSY");
      return;
    }
    this.#unwrittenBytes += body.length;
    const written = this.#writeNow(store, look, candidate, body)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#unwrittenBytes -= body.length;
        this.#writing.delete(written);
        if (this.#writingOf.get(look.text) === written) this.#writingOf.delete(look.text);
      });
    this.#writing.add(written);
    this.#writingOf.set(look.text, written);
  }

  /** Blob, then entry: killed in between, nothing names what is not there. */
  async #writeNow(store: Store, look: Look, candidate: Held, body: Buffer): Promise<void> {
    const keys = this.#keys;
    // The client's answer goes first.
    await new Promise((resolve) => setImmediate(resolve));
    const [weak, action] = [look.weak(), look.action()];
    const record = await store.blobs.put(
      seal(keys, contextOf(weak), encodeCandidate(weak, action, candidate, body, this.#options.tool)),
    );
    // Every name on disk is made with the domain's key: who reads the folder cannot even confirm a URL or a body by guessing.
    const pathSet = pathSetDigest(this.#hasher, [{ kind: "http", key: weak }]);
    const strong = strongFingerprint(this.#hasher, weak, pathSet, [record]);
    await store.records.append(weak, { pathSet, strong, record, recordedAt: candidate.receivedAt });
    candidate.stored = record;
  }

  #failed(error: unknown): void {
    if (!(error instanceof StoreError)) throw error;
    this.#onStoreError(error.code);
  }
}

/** Binds a blob to its search key: moved to another one, it does not open. */
function contextOf(weak: Digest): string {
  return `candidate ${weak}`;
}

/** A body may be a view of a network buffer thirty times its size, which it would keep alive. */
function ownBytes(received: Buffer): Buffer {
  if (received.buffer.byteLength === received.length) return received;
  const own = Buffer.allocUnsafeSlow(received.length);
  received.copy(own);
  return own;
}

function alike(a: ApiCandidate, b: ApiCandidate): boolean {
  return a.headers.link === b.headers.link && a.edge === b.edge && a.rule === b.rule;
}

function noteUnreadable(known: Known, record: Digest): void {
  known.unreadable ??= new Set();
  if (known.unreadable.size < MAX_UNREADABLE) known.unreadable.add(record);
}
