// Recall of an observer against strace, same run: npm run bench -- trace-recall [--backend ebpf|notify] [--out FILE]
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { programs, recall } from "../src/testing/recall.ts";
import { machine } from "./machine.ts";
import { chooseObserver, type BackendChoice } from "../src/trace/choose.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { backend: { type: "string", default: "ebpf" }, out: { type: "string" } },
});
if (spawnSync("strace", ["--version"]).error !== undefined) throw new Error("no strace");
const { observer, refusals } = await chooseObserver(values.backend as BackendChoice);
if (observer.name === "none") throw new Error(refusals.map((r) => r.why).join("; "));

const rows = [];
for (const program of programs) {
  const row = await recall(observer, program);
  rows.push(row);
  const { items, absolute, listed } = row.unique;
  const odd = Object.keys(row.losses).length > 0 ? ` LOST ${JSON.stringify(row.losses)}` : "";
  process.stdout.write(
    `${row.name.padEnd(14)} exit ${row.exitCode}  ${row.calls} calls; unique ${items} items, ${absolute} absolute, ` +
      `${listed} listed; missing ${row.missing.length}${odd}\n`,
  );
  for (const item of row.missing.slice(0, 10)) process.stdout.write(`  ${item}\n`);
}
const missing = rows.reduce((n, row) => n + row.missing.length, 0);
if (values.out !== undefined)
  writeFileSync(values.out, `${JSON.stringify({ ...machine(), backend: observer.name, missing, rows }, null, 1)}\n`);
process.exitCode = missing === 0 ? 0 : 1;
