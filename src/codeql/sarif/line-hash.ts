// `primaryLocationLineHash`, by which GitHub follows an alert through edits: a rolling hash over the 100 characters from
// the start of a line, blanks and tabs left out. As github/codeql-action 4.36.3 computes it (src/fingerprints.ts); known
// answers: test/vectors/primary-location-line-hash.json. 64-bit numbers are kept as two halves: BigInt costs 20 times as much.

const BLOCK = 100;
/** Exact: a power of two. */
const PER_HALF = 1 / 2 ** 32;
const LF = 10;
const CR = 13;
const END_OF_FILE = 65535;
// 37 ** 100 mod 2 ** 64: what leaves the window weighs this much.
const [LEAVING_HIGH, LEAVING_LOW] = power(37n, 100n);

/** One hash per line, line 1 first; an empty file has one line. @param bytes UTF-8; a BOM counts, bad bytes are U+FFFD */
export function lineHashes(bytes: Uint8Array): readonly string[] {
  const units = significantUnits(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  const seen = new Map<string, number>();
  const hashes: string[] = [];
  let high = 0;
  let low = 0;
  // Where the lines start whose hash is not known yet, oldest first.
  const starts: number[] = [];
  let oldest = 0;
  let lineStart = true;
  for (let i = 0; i < units.length; i++) {
    const unit = units[i] as number;
    if (i >= BLOCK && starts[oldest] === i - BLOCK) {
      const value = high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, "0");
      const count = (seen.get(value) ?? 0) + 1;
      seen.set(value, count);
      hashes.push(`${value}:${count}`);
      oldest++;
    }
    if (lineStart) starts.push(i);
    lineStart = unit === LF;
    // Every product is below 2 ** 49, so doubles are exact; `>>> 0` is mod 2 ** 32, for negative numbers too.
    const leaving = i < BLOCK ? 0 : (units[i - BLOCK] as number);
    const sum = low * 37 + unit - LEAVING_LOW * leaving;
    low = sum >>> 0;
    high = (high * 37 - LEAVING_HIGH * leaving + (sum - low) * PER_HALF) >>> 0;
  }
  return hashes;
}

/** What is hashed: no blanks and tabs, one LF a line end, the end mark, and a window of zeros that pushes all of it out. */
function significantUnits(text: string): Uint16Array {
  const units = new Uint16Array(text.length + 1 + BLOCK + 1);
  let count = 0;
  let afterCr = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 32 || unit === 9 || (afterCr && unit === LF)) {
      afterCr = false;
      continue;
    }
    afterCr = unit === CR;
    units[count++] = afterCr ? LF : unit;
  }
  units[count++] = END_OF_FILE;
  return units.subarray(0, count + BLOCK);
}

function power(base: bigint, exponent: bigint): readonly [high: number, low: number] {
  const value = base ** exponent % 2n ** 64n;
  return [Number(value >> 32n), Number(value & 0xffffffffn)];
}
