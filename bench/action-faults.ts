// What a dead or broken cache and artifact service adds to a job that decides: ours, with both remote layers on, against one
// look-up of @actions/cache on the same service in the same run.
//   npm run bench -- action-faults [--out bench/results/action-faults.json] [--skip-official]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { DECIDING, PUBLISHING } from "../src/store/actions/http.ts";
import { ActionsDouble, sha1 } from "../src/testing/actions/double.ts";
import { ENDPOINTS, type Fault, faultText } from "../src/testing/actions/faults.ts";
import { official } from "../src/testing/actions/official.ts";
import { RemoteJob } from "../src/testing/actions/remote-job.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { out: { type: "string" }, "skip-official": { type: "boolean", default: false } },
});
const tree = sha1("tree");
const patience = { deciding: DECIDING, publishing: PUBLISHING };
const scratch = mkdtempSync(join(tmpdir(), "foregone-faults-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

/** "refused": nobody listens any more. */
const TROUBLES: readonly (Fault | { readonly kind: "refused" })[] = [
  { kind: "refused" },
  { kind: "status", status: 500 },
  { kind: "status", status: 429 },
  { kind: "hang" },
  { kind: "stall" },
  { kind: "cut" },
  { kind: "garbage" },
];

async function broken(trouble: (typeof TROUBLES)[number]): Promise<ActionsDouble> {
  const double = await new ActionsDouble().start();
  // A record is there, so that the slow part of each layer is reached.
  await new RemoteJob(double, { headSha: sha1("1"), tree, headTree: tree, conclusion: "success" }).record();
  if (trouble.kind === "refused") await double.close();
  else for (const endpoint of ENDPOINTS) double.faults.set(endpoint, trouble);
  return double;
}

async function decideMs(double: ActionsDouble, layers: "all" | "none"): Promise<number> {
  const options = { headSha: sha1("2"), tree: sha1("changed"), patience, ...(layers === "none" && { layers: [] }) };
  const job = new RemoteJob(double, options);
  const from = performance.now();
  await job.decide();
  return performance.now() - from;
}

const rows: Record<string, { oursAddedMs: number; officialMs?: number; officialOverOurs?: number }> = {};
for (const trouble of TROUBLES) {
  const name = trouble.kind === "refused" ? "refused" : faultText(trouble);
  const double = await broken(trouble);
  await decideMs(double, "none");
  const without = await decideMs(double, "none");
  const oursAddedMs = Math.round((await decideMs(double, "all")) - without);
  rows[name] = { oursAddedMs };
  // The two that a dead service shows; a silence costs the official client its socket time-out of minutes.
  if (!values["skip-official"] && (name === "refused" || name === "500")) {
    const env = double.env(double.run({ headSha: sha1("2") }), ["refs/heads/main"]);
    const from = performance.now();
    await official(env, scratch, [["lookupCache", ["foregone-records-1"], "foregone-x"]]);
    const officialMs = Math.round(performance.now() - from);
    rows[name] = { oursAddedMs, officialMs, officialOverOurs: Math.round(officialMs / Math.max(1, oursAddedMs)) };
  }
  await double.close().catch(() => undefined);
}
const worstMs = Math.max(...Object.values(rows).map(({ oursAddedMs }) => oursAddedMs));
const result = { ...machine(), targetMs: 2_000, worstMs, rows };
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (values.out !== undefined) {
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
}
process.exit(worstMs <= 2_000 ? 0 : 1);
