// Is the audit log whole? Walks it with the first key, and says where it is not: lines altered, missing, inserted, out of order,
// cut from the end; and, by checkpoints kept elsewhere, whether this is the log they saw.
import type { AuditLine } from "./audit-line.ts";
import { isAuthentic, lineHash, parseLine } from "./audit-line.ts";
import { type ChainState, evolve } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { addLeaf, EMPTY_RANGE, merkleRoot } from "./merkle.ts";

/** `at`: line of the file, from 1. `seq`: number of the entry, from 0. */
export type AuditProblem =
  | { readonly kind: "altered"; readonly at: number; readonly seq: number }
  | { readonly kind: "inserted"; readonly at: number }
  | { readonly kind: "missing"; readonly at: number; readonly from: number; readonly to: number }
  | { readonly kind: "out-of-order"; readonly at: number; readonly seq: number }
  | { readonly kind: "broken-link"; readonly at: number; readonly seq: number }
  | { readonly kind: "torn"; readonly at: number }
  | { readonly kind: "cut"; readonly from: number; readonly to: number; readonly by: "chain" | "checkpoint" }
  | { readonly kind: "other-log"; readonly size: number };

export interface AuditVerdict {
  readonly lines: number;
  readonly problems: readonly AuditProblem[];
  /** Verifier keys that authentic lines name: those of checkpoints. */
  readonly checkpointKeys: readonly string[];
}

/** Numbers a gap may span: a forged "seq" must not keep us hashing for ever. */
const MAX_GAP = 10_000_000;

export interface VerifyInputs {
  readonly log: Buffer;
  /** K_0. */
  readonly firstKey: Uint8Array;
  readonly chain: ChainState | undefined;
  /** Given the keys that the log names; already checked against them. */
  readonly checkpoints: (keys: readonly string[]) => readonly Checkpoint[];
}

export function verifyAudit({ log, firstKey, chain, checkpoints }: VerifyInputs): AuditVerdict {
  const walk = new Walk(firstKey);
  let from = 0;
  for (let end = log.indexOf(0x0a); end >= 0; end = log.indexOf(0x0a, from)) {
    walk.line(log.subarray(from, end));
    from = end + 1;
  }
  if (from < log.length) walk.problems.push({ kind: "torn", at: walk.at + 1 });
  if (chain !== undefined && chain.seq > walk.seq)
    walk.problems.push({ kind: "cut", from: walk.seq, to: chain.seq - 1, by: "chain" });

  const wanted = checkpoints([...walk.checkpointKeys]).toSorted((a, b) => a.size - b.size);
  walk.problems.push(...compare(log, wanted));
  return { lines: walk.at, problems: walk.problems, checkpointKeys: [...walk.checkpointKeys] };
}

class Walk {
  readonly problems: AuditProblem[] = [];
  readonly checkpointKeys = new Set<string>();
  at = 0;
  /** The entry expected next, and its key. */
  seq = 0;
  #key: Uint8Array;
  /** Hash of the entry before; undefined when that one is not known. */
  #prev: string | undefined = "0".repeat(64);
  readonly #firstKey: Uint8Array;

  constructor(firstKey: Uint8Array) {
    this.#firstKey = firstKey;
    this.#key = firstKey;
  }

  line(bytes: Uint8Array): void {
    this.at += 1;
    const line = parseLine(bytes);
    if (line === undefined || line.seq === this.seq) this.#expected(line, bytes);
    else if (line.seq > this.seq) this.#ahead(line, bytes);
    else {
      const genuine = isAuthentic(keyOf(this.#firstKey, 0, line.seq), line);
      this.problems.push(
        genuine ? { kind: "out-of-order", at: this.at, seq: line.seq } : { kind: "inserted", at: this.at },
      );
    }
  }

  #expected(line: AuditLine | undefined, bytes: Uint8Array): void {
    if (line === undefined || !isAuthentic(this.#key, line)) {
      this.problems.push({ kind: "altered", at: this.at, seq: this.seq });
      this.#advance(undefined);
      return;
    }
    if (this.#prev !== undefined && line.prev !== this.#prev)
      this.problems.push({ kind: "broken-link", at: this.at, seq: line.seq });
    this.#accept(line, bytes);
  }

  #ahead(line: AuditLine, bytes: Uint8Array): void {
    const genuine = line.seq - this.seq <= MAX_GAP && isAuthentic(keyOf(this.#key, this.seq, line.seq), line);
    if (!genuine) {
      this.problems.push({ kind: "inserted", at: this.at });
      return;
    }
    this.problems.push({ kind: "missing", at: this.at, from: this.seq, to: line.seq - 1 });
    this.#key = keyOf(this.#key, this.seq, line.seq);
    this.seq = line.seq;
    this.#accept(line, bytes);
  }

  #accept(line: AuditLine, bytes: Uint8Array): void {
    const key = line.settings?.["checkpointKey"];
    if (key !== undefined) this.checkpointKeys.add(key);
    this.#advance(lineHash(bytes));
  }

  #advance(prev: string | undefined): void {
    this.#prev = prev;
    this.#key = evolve(this.#key);
    this.seq += 1;
  }
}

/** The key of entry `to`, made from that of entry `from` before it. */
function keyOf(key: Uint8Array, from: number, to: number): Uint8Array {
  let k = key;
  for (let i = from; i < to; i++) k = evolve(k);
  return k;
}

function compare(log: Buffer, sorted: readonly Checkpoint[]): AuditProblem[] {
  const problems: AuditProblem[] = [];
  let tree = EMPTY_RANGE;
  let at = 0;
  for (const checkpoint of sorted) {
    while (tree.size < checkpoint.size) {
      const end = log.indexOf(0x0a, at);
      if (end < 0) break;
      tree = addLeaf(tree, log.subarray(at, end));
      at = end + 1;
    }
    if (tree.size < checkpoint.size)
      problems.push({ kind: "cut", from: tree.size, to: checkpoint.size - 1, by: "checkpoint" });
    else if (!merkleRoot(tree).equals(checkpoint.root)) problems.push({ kind: "other-log", size: checkpoint.size });
  }
  return problems;
}
