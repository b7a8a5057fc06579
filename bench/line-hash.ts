// The line hash against the same definition written with BigInt, on the same text, alternating.
//   npm run bench -- line-hash [--kilobytes 960] [--runs 20]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { lineHashes } from "../src/codeql/sarif/line-hash.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    kilobytes: { type: "string", default: "960" },
    runs: { type: "string", default: "20" },
    out: { type: "string" },
  },
});
const line = (i: number): string => `  const value${i} = compute(${i}, "text of line ${i}") + other[${i % 17}];\n`;
let text = "";
for (let i = 0; text.length < Number(values.kilobytes) * 1000; i++) text += line(i);
const bytes = Buffer.from(text);

/** github/codeql-action keeps 64-bit numbers in objects; BigInt is the plainest way to say the same. */
function withBigInt(source: string): string[] {
  const MASK = (1n << 64n) - 1n;
  const first = (37n ** 100n) & MASK;
  const window = Array<bigint>(100).fill(0n);
  const starts = Array<boolean>(100).fill(false);
  const seen = new Map<string, number>();
  const hashes: string[] = [];
  let [hash, index, lineStart] = [0n, 0, true];
  const emit = (): void => {
    const value = hash.toString(16);
    const count = (seen.get(value) ?? 0) + 1;
    seen.set(value, count);
    hashes.push(`${value}:${count}`);
    starts[index] = false;
  };
  const feed = (unit: bigint): void => {
    hash = (hash * 37n + unit - first * (window[index] ?? 0n)) & MASK;
    window[index] = unit;
    index = (index + 1) % 100;
  };
  const take = (code: number): void => {
    if (starts[index] === true) emit();
    if (lineStart) starts[index] = true;
    lineStart = code === 10;
    feed(BigInt(code));
  };
  for (let i = 0; i < source.length; i++) {
    const code = source.charCodeAt(i);
    if (code !== 32 && code !== 9) take(code);
  }
  take(65535);
  for (let i = 0; i < 100; i++) {
    if (starts[index] === true) emit();
    feed(0n);
  }
  return hashes;
}

if (JSON.stringify(withBigInt(text)) !== JSON.stringify(lineHashes(bytes))) throw new Error("the two disagree");
const [ours, theirs]: [number[], number[]] = [[], []];
for (let i = 0; i < Number(values.runs); i++) {
  let from = performance.now();
  lineHashes(bytes);
  ours.push(performance.now() - from);
  from = performance.now();
  withBigInt(text);
  theirs.push(performance.now() - from);
}
const result = {
  bytes: bytes.length,
  medianMs: Math.round(median(ours) * 10) / 10,
  medianBigIntMs: Math.round(median(theirs) * 10) / 10,
  timesFaster: Math.round((median(theirs) / median(ours)) * 10) / 10,
  ...machine(),
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, undefined, 2)}\n`);
