// What event models need: numbers that are the same for the same seed, and a queue of what is to happen.

/** mulberry32: the same numbers for the same seed, everywhere. */
export function generator(seed: number): () => number {
  let state = (seed * 0x9e3779b9) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ranks from 0, the first the most frequent. */
export function zipfSampler(random: () => number, count: number, exponent: number): () => number {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank++) sums.push((sum += rank ** -exponent));
  return () => {
    const at = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

interface Event {
  readonly at: number;
  readonly act: () => void;
}

/** A binary heap: the earliest first. */
export class EventQueue {
  readonly #heap: Event[] = [];

  push(at: number, act: () => void): void {
    const heap = this.#heap;
    let i = heap.push({ at, act }) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((heap[parent] as Event).at <= at) break;
      [heap[parent], heap[i]] = [heap[i] as Event, heap[parent] as Event];
      i = parent;
    }
  }

  pop(): Event | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && (heap[child] as Event).at < (heap[least] as Event).at) least = child;
      if (least === i) return first;
      [heap[least], heap[i]] = [heap[i] as Event, heap[least] as Event];
      i = least;
    }
  }
}
