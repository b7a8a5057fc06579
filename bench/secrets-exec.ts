// What `foregone secrets exec -- CMD` adds to CMD, whole process: against the bare command and a bare start of Node, alternating
// in the same run. The store holds 100 credentials under a key file; one is given, the output is redacted.
//   npm run bench -- secrets-exec [--runs 30]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createStore } from "../src/secrets/create.ts";
import { labContext, newVersion, setCredentials } from "../src/testing/secrets-lab.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { runs: { type: "string", default: "30" }, out: { type: "string" } },
});
const runs = Number(values.runs);
const CREDENTIALS = 100;
const scratch = mkdtempSync(join(tmpdir(), "foregone-exec-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const folder = join(scratch, "store");
await createStore(labContext(folder), { provider: "file" });
await setCredentials(
  labContext(folder),
  ...Array.from({ length: CREDENTIALS }, (_, i) => newVersion(`TOKEN_${i}`, `value-of-token-${i}`)),
);

const env = { PATH: process.env["PATH"] ?? "", HOME: scratch, FOREGONE_CREDENTIALS_DIR: folder };
const exec = [join(process.cwd(), "bin/foregone"), "secrets", "exec", "--only", "TOKEN_7", "--"];
const contenders: Record<string, readonly string[]> = {
  true: ["true"],
  node: [process.execPath, "-e", "0"],
  "exec -- true": [process.execPath, ...exec, "true"],
};
const times: Record<string, number[]> = {};
for (let i = 0; i < runs + 3; i++)
  for (const [name, argv] of Object.entries(contenders)) {
    const from = performance.now();
    const { status, stderr } = spawnSync(argv[0] ?? "", argv.slice(1), { env, cwd: scratch, encoding: "utf8" });
    if (status !== 0) throw new Error(`${name}: ${status} ${stderr}`);
    if (i >= 3) (times[name] ??= []).push(performance.now() - from);
  }
const medianMs = Object.fromEntries(
  Object.entries(times).map(([name, list]) => [name, Math.round(median(list) * 10) / 10]),
);
const [bare, node, ours] = Object.keys(contenders).map((name) => medianMs[name] ?? Number.NaN) as [
  number,
  number,
  number,
];
const result = {
  runs,
  credentials: CREDENTIALS,
  medianMs,
  addedMs: Math.round((ours - bare) * 10) / 10,
  addedToNodeMs: Math.round((ours - node) * 10) / 10,
  ofNode: Math.round((ours / node) * 100) / 100,
  ...machine(),
};
const text = `${JSON.stringify(result, undefined, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
