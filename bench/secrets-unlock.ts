// What a guess at a passphrase costs, and so what unlocking does: 0.1 to 0.5 s by design. Baseline in the same run: the founding
// format's PBKDF2 with 100,000 rounds.
//   npm run bench -- secrets-unlock [--runs 15]
import { pbkdf2Sync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemRandom } from "../src/node/ports.ts";
import { type Kdf, openMasterKey, sealMasterKey } from "../src/secrets/passphrase.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { runs: { type: "string", default: "15" }, out: { type: "string" } },
});
const runs = Number(values.runs);
const passphrase = Buffer.from("correct horse battery staple");
const sealed = new Map<Kdf, string>();
for (const kdf of ["scrypt", "pbkdf2"] as const)
  sealed.set(kdf, await sealMasterKey(systemRandom, passphrase, "k1", Buffer.alloc(32, 1), kdf));

const times: Record<string, number[]> = {};
for (let i = 0; i < runs; i++) {
  for (const [kdf, line] of sealed) {
    const from = performance.now();
    if (typeof (await openMasterKey(passphrase, line)) === "string") throw new Error(`${kdf} does not open`);
    (times[kdf] ??= []).push(performance.now() - from);
  }
  const from = performance.now();
  pbkdf2Sync(passphrase, "salt", 100_000, 32, "sha256");
  (times["founding pbkdf2"] ??= []).push(performance.now() - from);
}
const medianMs = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, Math.round(median(list))]));
const result = {
  runs,
  medianMs,
  ofFounding: Math.round((10 * (medianMs["scrypt"] ?? 0)) / (medianMs["founding pbkdf2"] ?? 1)) / 10,
  ...machine(),
};
const text = `${JSON.stringify(result, undefined, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
