// How fast `secrets exec` redacts: MB/s of log text through the redactor with 20 and 100 secrets, against `Buffer.indexOf` of each
// pattern (the obvious way) and a plain copy, in the same run.
//   npm run bench -- secrets-redact [--mb 64] [--runs 5]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { redactPatterns } from "../src/secrets/forms.ts";
import { Redactor, secretsAutomaton } from "../src/secrets/redactor.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    mb: { type: "string", default: "64" },
    runs: { type: "string", default: "5" },
    out: { type: "string" },
  },
});
const [mb, runs] = [Number(values.mb), Number(values.runs)];
const CHUNK = 64 * 1024;

// Text as a build prints it, with base64 and hex in it, and a secret in one line of a thousand.
const secrets = Array.from({ length: 100 }, (_, i) => `ghs_${(i * 2654435761).toString(36)}${"Zz9".repeat(10)}${i}`);
const lines = Array.from({ length: 20_000 }, (_, i) => {
  const noise = Buffer.from(`line ${i} of the build ${i * 7919}`);
  const shown = i % 1000 === 0 ? `${secrets[i % 100]} ` : "";
  return `2026-01-02T03:04:05.678Z [${i}] compiling src/module-${i % 97}/file-${i}.ts ${shown}${noise.toString("base64")} ${noise.toString("hex")}\n`;
});
const page = Buffer.from(lines.join(""));
const chunks: Buffer[] = [];
for (let at = 0, size = 0; size < mb * 1e6; at = (at + CHUNK) % (page.length - CHUNK), size += CHUNK)
  chunks.push(page.subarray(at, at + CHUNK));
const bytes = chunks.length * CHUNK;

const rate = (work: () => void): number => {
  const from = process.hrtime.bigint();
  work();
  return bytes / 1e6 / (Number(process.hrtime.bigint() - from) / 1e9);
};
const redact = (count: number): (() => void) => {
  const automaton = secretsAutomaton(secrets.slice(0, count));
  return () => {
    const redactor = new Redactor(automaton);
    for (const chunk of chunks) redactor.write(chunk);
    redactor.end();
    if (!redactor.redacted) throw new Error("nothing was redacted");
  };
};
const patterns = secrets
  .slice(0, 20)
  .flatMap(redactPatterns)
  .map((p) => Buffer.from(p));
const contenders: Record<string, () => void> = {
  copy: () => {
    for (const chunk of chunks) Buffer.from(chunk);
  },
  "indexOf, 20 secrets": () => {
    // A sixteenth of the text: it is an order slower.
    for (const chunk of chunks.slice(0, chunks.length >> 4)) for (const p of patterns) chunk.indexOf(p);
  },
  "redactor, 20 secrets": redact(20),
  "redactor, 100 secrets": redact(100),
};
const rates: Record<string, number[]> = {};
for (let i = 0; i < runs + 1; i++)
  for (const [name, work] of Object.entries(contenders)) {
    const found = rate(work) / (name.startsWith("indexOf") ? 16 : 1);
    if (i > 0) (rates[name] ??= []).push(found);
  }
const start = process.hrtime.bigint();
secretsAutomaton(secrets);
const result = {
  ...machine(),
  mb: Math.round(bytes / 1e6),
  runs,
  patterns: { "20": patterns.length, "100": secrets.flatMap(redactPatterns).length },
  buildMs100: Math.round(Number(process.hrtime.bigint() - start) / 1e5) / 10,
  medianMBps: Object.fromEntries(Object.entries(rates).map(([name, list]) => [name, Math.round(median(list))])),
};
const text = `${JSON.stringify(result, null, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
