// Aho-Corasick over bytes: all patterns in one pass, one table look-up a byte. 100 secrets make 1,500 patterns and 60,000
// states; their full table would be 60 MB, so a row is made when a text first reaches its state: ordinary text reaches few.
// `indexOf` for each pattern is linear in their number.

/** A place in a stream. Opaque; `START` is before its first byte. */
export type State = number;

export interface Automaton {
  readonly start: State;
  /**
   * Walks `bytes` from `from` on until a pattern ends.
   * @returns the index of the byte that ended one, or bytes.length; the state is then in `last`
   */
  scan(state: State, bytes: Uint8Array, from: number): number;
  last: State;
  /** Length of the longest pattern that ends in this state; 0: none does. */
  matchOf(state: State): number;
  /** How many of the last bytes may still begin a pattern. */
  depthOf(state: State): number;
}

/** 32,768 rows of 1 KiB. A text that reaches more starts with an empty table again. */
const MAX_ROWS = 32_768;

export function buildAutomaton(patterns: readonly Uint8Array[], maxRows = MAX_ROWS): Automaton {
  const trie = buildTrie(patterns);
  linkFailures(trie);
  const { fail, match, depth } = trie;

  // A state is a state of the trie. A row is its index times 256, so that a byte is added by "or"; row 0 is nobody's. A cell
  // is the next row: positive; negative if a pattern ends there; 0 if it is not known yet.
  const rowOf = new Int32Array(depth.length);
  let stateOf: number[] = [0];
  let rows = new Int32Array(256 * 64);

  const next = (state: State, byte: number): State => {
    for (let s = state; ; s = fail[s] ?? 0) {
      const child = trie.child(s, byte);
      if (child !== 0 || s === 0) return child;
    }
  };
  const rowFor = (state: State): number => {
    const known = rowOf[state] ?? 0;
    if (known !== 0) return known;
    if (stateOf.length >= maxRows) {
      rowOf.fill(0);
      rows.fill(0);
      stateOf = [0];
    }
    const row = stateOf.length << 8;
    if (row + 256 > rows.length) {
      const larger = new Int32Array(rows.length * 2);
      larger.set(rows);
      rows = larger;
    }
    rowOf[state] = row;
    stateOf.push(state);
    return row;
  };

  const automaton: Automaton = {
    start: 0,
    last: 0,
    matchOf: (state) => match[state] ?? 0,
    depthOf: (state) => depth[state] ?? 0,
    scan(start, bytes, from) {
      const end = bytes.length;
      let row = rowFor(start);
      let table = rows;
      for (let i = from; i < end; i++) {
        const cell = table[row | bytes[i]!]!;
        if (cell > 0) {
          row = cell;
          continue;
        }
        if (cell < 0) {
          automaton.last = stateOf[-cell >> 8] ?? 0;
          return i;
        }
        const state = stateOf[row >> 8] ?? 0;
        const target = next(state, bytes[i]!);
        const made = rowFor(target);
        // The row it came from may be gone: the table may have been emptied to make this one.
        if (rowOf[state] === row) rows[row | bytes[i]!] = (match[target] ?? 0) > 0 ? -made : made;
        table = rows;
        row = made;
        if ((match[target] ?? 0) > 0) {
          automaton.last = target;
          return i;
        }
      }
      automaton.last = stateOf[row >> 8] ?? 0;
      return end;
    },
  };
  return automaton;
}

interface Trie {
  /** 0: no such child. */
  readonly child: (state: number, byte: number) => number;
  readonly fail: Int32Array;
  readonly match: Int32Array;
  readonly depth: Int32Array;
  readonly byte: Uint8Array;
  readonly firstChild: Int32Array;
  readonly sibling: Int32Array;
  readonly count: number;
}

/** Children are linked lists: most states have one. The start has its own table. */
function buildTrie(patterns: readonly Uint8Array[]): Trie {
  const limit = 1 + patterns.reduce((sum, p) => sum + p.length, 0);
  const byte = new Uint8Array(limit);
  const [firstChild, sibling, match, depth] = [0, 1, 2, 3].map(() => new Int32Array(limit)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const roots = new Int32Array(256);
  let count = 1;
  const child = (state: number, b: number): number => {
    if (state === 0) return roots[b] ?? 0;
    let c = firstChild[state] ?? 0;
    while (c !== 0 && byte[c] !== b) c = sibling[c] ?? 0;
    return c;
  };
  for (const pattern of patterns) {
    let state = 0;
    for (const b of pattern) {
      let to = child(state, b);
      if (to === 0) {
        to = count++;
        byte[to] = b;
        depth[to] = (depth[state] ?? 0) + 1;
        if (state === 0) roots[b] = to;
        sibling[to] = firstChild[state] ?? 0;
        firstChild[state] = to;
      }
      state = to;
    }
    if (state !== 0) match[state] = pattern.length;
  }
  return { child, fail: new Int32Array(limit), match, depth, byte, firstChild, sibling, count };
}

/** Breadth first, so that a state's failure link, which is shorter, is known before it. */
function linkFailures({ child, fail, match, byte, firstChild, sibling, count }: Trie): void {
  const queue = new Int32Array(count);
  let tail = 0;
  for (let head = -1; head < tail; head++) {
    const state = head < 0 ? 0 : (queue[head] ?? 0);
    for (let c = firstChild[state] ?? 0; c !== 0; c = sibling[c] ?? 0) {
      queue[tail++] = c;
      if (state === 0) continue;
      let f = fail[state] ?? 0;
      let link = child(f, byte[c] ?? 0);
      while (link === 0 && f !== 0) {
        f = fail[f] ?? 0;
        link = child(f, byte[c] ?? 0);
      }
      fail[c] = link;
      // A pattern that is a suffix of this text ends here too; one that is the whole text is longer.
      if (match[c] === 0) match[c] = match[link] ?? 0;
    }
  }
}
