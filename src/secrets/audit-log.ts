// The audit log as its writer sees it, under the folder's lock: opened where the chain stands, brought up to date with lines a
// killed writer left, appended to. A line is on the medium before `append` returns; only then is anything opened or answered.
import fs from "node:fs";
import { join } from "node:path";
import { ForegoneError } from "../core/errors.ts";
import { type AuditEvent, type AuditLine, encodeLine, isAuthentic, lineHash, parseLine } from "./audit-line.ts";
import { type ChainState, evolve, NO_STORE, readChain, type StoreMark, writeChain } from "./chain.ts";
import { type Disk, readPrivate, writeNew } from "./disk.ts";
import { addLeaf } from "./merkle.ts";

/** What a killed writer can have left after the last slot: far more than one operation writes. */
const MAX_TAIL_BYTES = 64 * 1024 * 1024;

export function auditPath(folder: string): string {
  return join(folder, "audit.log");
}

export class AuditLog {
  readonly #disk: Disk;
  readonly #folder: string;
  #state: ChainState;
  #turn: number;
  #torn = false;

  /** The caller holds the lock. @throws ForegoneError E_DAMAGED if log and chain do not belong together */
  static open(disk: Disk, folder: string, nowSeconds: number): AuditLog {
    const chain = readChain(folder);
    if (chain === undefined) throw damaged(`${folder}/.chain is missing or unreadable`);
    const log = new AuditLog(disk, folder, chain.state, chain.turn);
    log.#catchUp(nowSeconds);
    return log;
  }

  private constructor(disk: Disk, folder: string, state: ChainState, turn: number) {
    this.#disk = disk;
    this.#folder = folder;
    this.#state = state;
    this.#turn = turn;
  }

  get state(): ChainState {
    return this.#state;
  }

  /**
   * @param nowSeconds a clock behind the last line writes that line's time
   * @returns the lines, durable
   * @throws ForegoneError E_STORE `audit log cannot be written`: the log is as before
   */
  append(nowSeconds: number, events: readonly AuditEvent[]): readonly AuditLine[] {
    let next = this.#state;
    const written: Buffer[] = [];
    const lines = events.map((event) => {
      const time = Math.max(nowSeconds, next.lastTime);
      const { line, bytes } = encodeLine(next.key, next.seq, time, next.prev, event);
      written.push(bytes, Buffer.from("\n"));
      next = after(next, line, bytes);
      return line;
    });
    try {
      this.#write(Buffer.concat(written));
    } catch (error) {
      if (error instanceof ForegoneError) throw error;
      const { code = "" } = error as NodeJS.ErrnoException;
      throw new ForegoneError("E_STORE", `the audit log cannot be written (${code}), so nothing is opened or changed`, {
        exitCode: 1,
        hint: `make room for ${auditPath(this.#folder)}`,
        cause: error,
      });
    }
    this.#state = next;
    this.#saveChain();
    return lines;
  }

  markCheckpoint(time: number): void {
    this.#state = { ...this.#state, checkpoint: { size: this.#state.seq, time } };
    this.#saveChain();
  }

  #write(bytes: Buffer): void {
    if (this.#torn) throw Object.assign(new Error("half a line stands at the end"), { code: "EIO" });
    const fd = this.#disk.open(auditPath(this.#folder), "append");
    try {
      this.#disk.write(fd, bytes);
      this.#disk.sync(fd);
    } catch (error) {
      // Half a line must not stand before the next one. Until the next opener has cut it off, nothing more is appended.
      this.#torn = true;
      this.#disk.truncate(fd, this.#state.sizeBytes);
      this.#torn = false;
      throw error;
    } finally {
      closeQuietly(this.#disk, fd);
    }
  }

  #saveChain(): void {
    this.#turn += 1;
    try {
      writeChain(this.#disk, this.#folder, this.#turn, this.#state);
    } catch (error) {
      // The lines are durable, and the next opener makes this slot again from them.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }

  #catchUp(nowSeconds: number): void {
    const path = auditPath(this.#folder);
    const size = fs.lstatSync(path, { throwIfNoEntry: false })?.size;
    if (size === this.#state.sizeBytes) return;
    if (size === undefined) throw damaged(`${path} is missing`);
    if (size < this.#state.sizeBytes)
      throw damaged(`${path} was cut: it has ${size} bytes, the chain has seen ${this.#state.sizeBytes}`);
    const tail = readPrivate(path, MAX_TAIL_BYTES, this.#state.sizeBytes) ?? Buffer.alloc(0);
    let from = 0;
    for (let end = tail.indexOf(0x0a); end >= 0; end = tail.indexOf(0x0a, from)) {
      const bytes = tail.subarray(from, end);
      const line = parseLine(bytes);
      const expected = line?.seq === this.#state.seq && line.prev === this.#state.prev;
      if (line === undefined || !expected || !isAuthentic(this.#state.key, line))
        throw damaged(`${path} line ${this.#state.seq} is not one that this program wrote`);
      this.#state = after(this.#state, line, bytes);
      from = end + 1;
    }
    if (from < tail.length) this.#setTornAside(nowSeconds, tail.subarray(from));
    this.#saveChain();
  }

  /** A writer died within a line. Its bytes are kept aside for whoever looks into it; the log goes on without them. */
  #setTornAside(nowSeconds: number, bytes: Buffer): void {
    const name = `.torn-${nowSeconds}-${this.#state.seq}`;
    const aside = join(this.#folder, name);
    this.#disk.remove(aside);
    writeNew(this.#disk, aside, bytes);
    const fd = this.#disk.open(auditPath(this.#folder), "write");
    try {
      this.#disk.truncate(fd, this.#state.sizeBytes);
      this.#disk.sync(fd);
    } finally {
      this.#disk.close(fd);
    }
    this.append(nowSeconds, [{ action: "torn", detail: `${bytes.length} bytes to ${name}` }]);
  }
}

/** The state before line 0. */
export function newChain(firstKey: Buffer): ChainState {
  return {
    seq: 0,
    key: firstKey,
    prev: "0".repeat(64),
    sizeBytes: 0,
    lastTime: 0,
    tree: { size: 0, roots: [] },
    done: NO_STORE,
    checkpoint: { size: 0, time: 0 },
  };
}

/** What the chain knows once this line, of these bytes, is in the log. */
export function after(state: ChainState, line: AuditLine, bytes: Uint8Array): ChainState {
  const { intent, ...rest } = state;
  const settled = settle(state, line);
  return {
    ...rest,
    seq: state.seq + 1,
    key: evolve(state.key),
    prev: lineHash(bytes),
    sizeBytes: state.sizeBytes + bytes.length + 1,
    lastTime: line.time,
    tree: addLeaf(state.tree, bytes),
    ...(settled ?? (intent !== undefined && { intent })),
  };
}

/** Which store counts after this line. Any line with a `store` announces it, but for those that close an announcement. */
function settle(state: ChainState, line: AuditLine): { done: StoreMark; intent?: StoreMark } | undefined {
  if (line.action === "abandoned") return { done: state.done };
  if (line.store === undefined) return undefined;
  if (line.action === "done" || line.action === "accepted" || line.action === "init") return { done: line.store };
  return { done: state.done, intent: line.store };
}

/** What was written is durable or its failure known already: an error of close adds nothing. */
function closeQuietly(disk: Disk, fd: number): void {
  try {
    disk.close(fd);
  } catch {}
}

function damaged(what: string): ForegoneError {
  return new ForegoneError("E_DAMAGED", what, { hint: "foregone secrets doctor" });
}
