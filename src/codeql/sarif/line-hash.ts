// `primaryLocationLineHash`, by which GitHub follows an alert through edits: a rolling hash over the 100 characters from
// the start of a line, blanks and tabs left out. As github/codeql-action 4.36.3 computes it (src/fingerprints.ts); known
// answers: test/vectors/primary-location-line-hash.json. 64-bit numbers are kept as two halves: BigInt costs 20 times as much.

const BLOCK = 100;
const HALF = 2 ** 32;
const LF = 10;
const CR = 13;
const END_OF_FILE = 65535;
// 37 ** 100 mod 2 ** 64: what leaves the window weighs this much.
const [LEAVING_HIGH, LEAVING_LOW] = power(37n, 100n);

/** One hash per line, line 1 first; an empty file has one line. @param bytes UTF-8; a BOM counts, bad bytes are U+FFFD */
export function lineHashes(bytes: Uint8Array): readonly string[] {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const window = new Uint16Array(BLOCK);
  const startsLine = new Uint8Array(BLOCK);
  const seen = new Map<string, number>();
  const hashes: string[] = [];
  let high = 0;
  let low = 0;
  let index = 0;

  const emit = (): void => {
    const value = high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, "0");
    const count = (seen.get(value) ?? 0) + 1;
    seen.set(value, count);
    hashes.push(`${value}:${count}`);
    startsLine[index] = 0;
  };
  // Every product is below 2 ** 49, so doubles are exact; `>>> 0` is mod 2 ** 32, for negative numbers too.
  const feed = (unit: number): void => {
    const leaving = window[index] ?? 0;
    window[index] = unit;
    const sum = low * 37 + unit - LEAVING_LOW * leaving;
    high = (high * 37 - LEAVING_HIGH * leaving + Math.floor(sum / HALF)) >>> 0;
    low = sum >>> 0;
    index = index === BLOCK - 1 ? 0 : index + 1;
  };

  let lineStart = true;
  let afterCr = false;
  const take = (unit: number): void => {
    if (startsLine[index] === 1) emit();
    if (lineStart) {
      lineStart = false;
      startsLine[index] = 1;
    }
    if (unit === LF) lineStart = true;
    feed(unit);
  };
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 32 || unit === 9 || (afterCr && unit === LF)) {
      afterCr = false;
      continue;
    }
    afterCr = unit === CR;
    take(afterCr ? LF : unit);
  }
  take(END_OF_FILE);
  for (let i = 0; i < BLOCK; i++) {
    if (startsLine[index] === 1) emit();
    feed(0);
  }
  return hashes;
}

function power(base: bigint, exponent: bigint): readonly [high: number, low: number] {
  const value = base ** exponent % 2n ** 64n;
  return [Number(value >> 32n), Number(value & 0xffffffffn)];
}
