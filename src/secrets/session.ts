// One operation on a credential folder, from lock to unlock: settles what a killed writer left, opens the store with its key,
// and refuses anything but the store that the audit log names. Writing is announced in the log before and confirmed after,
// so that killed at any point there is the old store or the new one, and it is known which (docs/secrets.md, "Writing").
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { EXIT, ForegoneError } from "../core/errors.ts";
import type { Clock, Random } from "../ports.ts";
import type { AuditEvent, AuditLine } from "./audit-line.ts";
import { AuditLog } from "./audit-log.ts";
import type { StoreMark } from "./chain.ts";
import { type Disk, isPrivateFolder, readPrivate, writeNew } from "./disk.ts";
import type { KeyName, KeySource } from "./key-name.ts";
import { chooseFlock, type Lock, type TakeFlock, takeLock } from "./lock.ts";
import { currentKey, type KeyProvider, type StoreState } from "./model.ts";
import { decodeStore, encodeStore, MAX_SEALS, MAX_STORE_BYTES, readHeader, type StoreFault } from "./store-file.ts";

export const STORE_FILE = "credentials.json.enc";

export interface SessionContext {
  /** Absolute. */
  readonly folder: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** @param folder where file-based sources keep their keys */
  readonly source: (provider: KeyProvider, folder: string) => KeySource;
  /** Chosen once by a server; else for each session. */
  readonly flock?: TakeFlock;
}

/** How long one writer waits for another: rotating 10,000 credentials takes 2 to 4 s. */
const LOCK_MS = 10_000;

export class Session {
  readonly context: SessionContext;
  readonly log: AuditLog;
  readonly #lock: Lock;

  /**
   * @throws ForegoneError E_STORE (exit 10) if there is no store, E_LOCKED, E_UNSAFE, E_DAMAGED
   */
  static async begin(context: SessionContext): Promise<Session> {
    const { folder, disk } = context;
    if (!isPrivateFolder(folder)) throw noStore(folder);
    const flock = context.flock ?? (await chooseFlock(false));
    const lock = await takeLock(join(folder, ".lock"), flock, LOCK_MS);
    try {
      if (readPrivate(join(folder, ".chain"), 1 << 20) === undefined) {
        if (readPrivate(join(folder, STORE_FILE), MAX_STORE_BYTES) === undefined) throw noStore(folder);
        throw damagedStore(folder, "its .chain is missing");
      }
      const session = new Session(context, AuditLog.open(disk, folder, nowSeconds(context.clock)), lock);
      session.#settle();
      return session;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private constructor(context: SessionContext, log: AuditLog, lock: Lock) {
    this.context = context;
    this.log = log;
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    this.#lock.release();
  }

  /** Unix seconds: the later of the clock and the last audit line. A clock set back revives nothing. */
  now(): number {
    return Math.max(nowSeconds(this.context.clock), this.log.state.lastTime);
  }

  append(...events: readonly AuditEvent[]): readonly AuditLine[] {
    return this.log.append(this.now(), events);
  }

  /**
   * @param known what an earlier session opened: taken as it is if the file has not changed
   * @throws ForegoneError E_DAMAGED, E_ROLLED_BACK, E_KEY: never an empty store
   */
  async open(known?: OpenStore): Promise<OpenStore> {
    const stamp = this.#stamp();
    if (known?.stamp === stamp && known.sha256 === this.log.state.done.sha256) return known;
    const bytes = this.#bytes();
    const sha256 = hash(bytes);
    const header = readHeader(bytes);
    if (typeof header === "string") throw this.#fault(header);
    const name: KeyName = { kid: header.kid, kc: header.kc.toString("hex") };
    const master =
      known?.kc === name.kc ? known.master : await this.context.source(header.provider, this.context.folder).load(name);
    const state = decodeStore(header, master);
    if (typeof state === "string") throw this.#fault(state);
    const { done } = this.log.state;
    if (done.sha256 !== sha256)
      throw new ForegoneError(
        "E_ROLLED_BACK",
        `${STORE_FILE} is generation ${state.generation}, but the audit log says that generation ${done.generation} was written`,
        { hint: "put the newer file back; or, if you restored it on purpose: foregone secrets doctor --fix" },
      );
    return { state, master, sha256, stamp, kc: name.kc };
  }

  /**
   * Writes the generation after `from`'s, announced by the first of `events`.
   * @throws ForegoneError E_STORE: nothing changed, or (after the rename) all of it did; never half
   */
  commit(from: OpenStore, change: Change): OpenStore {
    const { disk, folder, random } = this.context;
    const master = change.master ?? from.master;
    const [event, ...more] = change.events;
    const state: StoreState = { ...change.state, generation: from.state.generation + 1 };
    if (currentKey(state).seals >= MAX_SEALS)
      throw new ForegoneError("E_KEY", "this master key has sealed 2^31 texts, which is its limit", {
        hint: "foregone secrets rotate-master",
      });
    const bytes = encodeStore(random, master, state);
    const mark: StoreMark = { generation: state.generation, sha256: hash(bytes) };
    this.append({ ...event, store: mark }, ...more);
    const fresh = join(folder, `${STORE_FILE}.new`);
    const current = join(folder, STORE_FILE);
    try {
      this.#sweep();
      writeNew(disk, fresh, bytes);
      this.#assertReadable(fresh, bytes, master, change.verify);
      // Not by way of a rename: rename(2) of two links to one file does nothing, and after a kill they are that.
      disk.remove(`${current}.1`);
      disk.link(current, `${current}.1`);
      if (!this.#lock.holds()) throw new ForegoneError("E_LOCKED", "the lock was lost while writing");
      disk.rename(fresh, current);
      disk.syncFolder(folder);
      this.append({ action: "done", store: mark });
    } catch (error) {
      throw this.#afterFailedWrite(error, mark);
    }
    return { state, master, sha256: mark.sha256, stamp: this.#stamp(), kc: currentKey(state).kc };
  }

  /** The owner vouches for the store that lies there, e.g. one restored from a backup. */
  async accept(): Promise<StoreState> {
    const bytes = this.#bytes();
    const header = readHeader(bytes);
    if (typeof header === "string") throw this.#fault(header);
    const name = { kid: header.kid, kc: header.kc.toString("hex") };
    const master = await this.context.source(header.provider, this.context.folder).load(name);
    const state = decodeStore(header, master);
    if (typeof state === "string") throw this.#fault(state);
    this.append({ action: "accepted", store: { generation: state.generation, sha256: hash(bytes) } });
    return state;
  }

  /** Whether an announced write was finished, judged by the file that lies there. */
  #settle(): void {
    const { done, intent } = this.log.state;
    if (intent === undefined) return;
    const bytes = readPrivate(join(this.context.folder, STORE_FILE), MAX_STORE_BYTES);
    const sha256 = bytes === undefined ? "" : hash(bytes);
    if (sha256 === intent.sha256) this.append({ action: "done", store: intent });
    else if (sha256 === done.sha256) this.append({ action: "abandoned" });
  }

  /** Files that a killed writer did not get to rename. */
  #sweep(): void {
    const { disk, folder } = this.context;
    for (const name of fs.readdirSync(folder)) if (name.endsWith(".new")) disk.remove(join(folder, name));
  }

  #assertReadable(path: string, bytes: Buffer, master: Buffer, verify: Change["verify"]): void {
    const back = readPrivate(path, MAX_STORE_BYTES);
    const header = back?.equals(bytes) === true ? readHeader(back) : "damaged";
    const state = typeof header === "string" ? header : decodeStore(header, master);
    if (typeof state === "string" || verify?.(state) === false)
      throw new ForegoneError("E_STORE", "what was written did not read back", { exitCode: EXIT.wrong });
  }

  #afterFailedWrite(error: unknown, mark: StoreMark): unknown {
    try {
      this.#settle();
    } catch {
      // The next session settles it.
    }
    const written = this.log.state.done.sha256 === mark.sha256;
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof ForegoneError && error.code !== "E_STORE") return error;
    return new ForegoneError(
      "E_STORE",
      written
        ? `written, but not confirmed: ${code ?? String(error)}`
        : `nothing was changed: ${code ?? String(error)}`,
      { exitCode: EXIT.wrong, cause: error, hint: `df -h ${this.context.folder}` },
    );
  }

  /** Changes when the file does: its ctime is the kernel's. Saves a server reading 7 MB for each request. */
  #stamp(): string {
    const stat = fs.lstatSync(join(this.context.folder, STORE_FILE), { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? "" : [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs, stat.mode, stat.uid].join(" ");
  }

  #bytes(): Buffer {
    const { folder } = this.context;
    const bytes = readPrivate(join(folder, STORE_FILE), MAX_STORE_BYTES);
    if (bytes === undefined) throw damagedStore(folder, `${STORE_FILE} is missing`);
    return bytes;
  }

  #fault(fault: StoreFault): ForegoneError {
    const { folder } = this.context;
    switch (fault) {
      case "wrong-key":
        return new ForegoneError("E_KEY", "wrong master key: it is not the key of this store", {
          hint: "the store is untouched; put the right key back",
        });
      case "unknown-format":
        return damagedStore(folder, "it is not in a format that this version knows");
      case "too-large":
        return damagedStore(folder, `it is larger than ${MAX_STORE_BYTES} bytes`);
      case "damaged":
        return damagedStore(folder, "it was altered or cut");
      default:
        return fault satisfies never;
    }
  }
}

/** A store as it was read, with the key that opened it. */
export interface OpenStore {
  readonly state: StoreState;
  readonly master: Buffer;
  readonly sha256: string;
  readonly stamp: string;
  readonly kc: string;
}

export interface Change {
  /** Its generation is set by `commit`, its current key's seals must count those of the change itself. */
  readonly state: StoreState;
  readonly events: readonly [AuditEvent, ...AuditEvent[]];
  /** A new master key; default: the one that opened the store. */
  readonly master?: Buffer;
  /** Judges what was read back before it takes the old file's place. */
  readonly verify?: (state: StoreState) => boolean;
}

/** Runs `work` under the lock. */
export async function inSession<T>(context: SessionContext, work: (session: Session) => Promise<T>): Promise<T> {
  using session = await Session.begin(context);
  return await work(session);
}

export function nowSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function noStore(folder: string): ForegoneError {
  return new ForegoneError("E_STORE", `no credential store in ${folder}`, { hint: "foregone secrets init" });
}

function damagedStore(folder: string, what: string): ForegoneError {
  return new ForegoneError("E_DAMAGED", `the credential store in ${folder} cannot be used: ${what}`, {
    hint: `nothing of it is used; the generation before is ${STORE_FILE}.1, an export can be imported`,
  });
}
