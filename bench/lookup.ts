// What finding a record costs when there are few and when there are many: open the store, look an Action up, read the newest
// record and three blobs, in a process that has just started. Against the same with 20 records, in the same run.
//   npm run bench -- lookup [--records 10000] [--runs 20]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Digest } from "../src/core/digest.ts";
import { decodeRecord, encodeRecord } from "../src/core/record-codec.ts";
import { nodeHasher, systemClock, systemRandom } from "../src/node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../src/node/store-files.ts";
import { diskStore } from "../src/store/disk.ts";
import { openFolder } from "../src/store/folder.ts";
import type { EpochMs } from "../src/ports.ts";
import { sampleRecord, syntheticObservations } from "../src/testing/sample-record.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    records: { type: "string", default: "10000" },
    runs: { type: "string", default: "20" },
    cold: { type: "string" },
    out: { type: "string" },
  },
});
const effects = { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom };
const digestOf = (text: string): Digest => `sha256:${nodeHasher.sha256(text)}` as Digest;
const BLOBS = ["output", "content 1", "content 2"];
const ACTION = digestOf("the action");

if (values.cold !== undefined) await cold(values.cold);
else await compare(Number(values.records), Number(values.runs));

async function cold(root: string): Promise<void> {
  const from = performance.now();
  const { blobs, records } = diskStore(openFolder(effects, root));
  const opened = performance.now();
  const [newest] = await records.lookup(ACTION);
  const looked = performance.now();
  const bytes = newest && (await blobs.get(newest.record));
  const decoded = bytes && decodeRecord(bytes, nodeDeflate);
  if (decoded?.kind !== "record") throw new Error("no record");
  const read = performance.now();
  for (const text of BLOBS) if ((await blobs.get(digestOf(text))) === undefined) throw new Error(`no ${text}`);
  const done = performance.now();
  process.stdout.write(
    JSON.stringify({
      open: opened - from,
      lookup: looked - opened,
      record: read - looked,
      blobs: done - read,
      all: done - from,
    }),
  );
}

async function compare(many: number, runs: number): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "foregone-lookup-"));
  const stores = {
    "20 records": await filled(join(scratch, "few"), 20, false),
    [`${many} records of the Action`]: await filled(join(scratch, "many"), many, false),
    [`${many} records of as many Actions`]: await filled(join(scratch, "others"), many, true),
  };
  const times: Record<string, Record<string, number[]>> = {};
  const bare: number[] = [];
  for (let i = 0; i < runs + 3; i++) {
    const from = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    if (i >= 3) bare.push(performance.now() - from);
    for (const [name, root] of Object.entries(stores)) {
      const argv = [process.argv[1] ?? "", "--cold", root];
      const startedAt = performance.now();
      const { stdout, status, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
      const wholeMs = performance.now() - startedAt;
      if (status !== 0) throw new Error(stderr);
      for (const [step, ms] of Object.entries({ process: wholeMs, ...(JSON.parse(stdout) as Record<string, number>) }))
        if (i >= 3) ((times[name] ??= {})[step] ??= []).push(ms);
    }
  }
  rmSync(scratch, { recursive: true });
  const medianMs = Object.fromEntries(
    Object.entries(times).map(([name, steps]) => [
      name,
      Object.fromEntries(Object.entries(steps).map(([step, list]) => [step, median(list)])),
    ]),
  );
  const few = medianMs["20 records"] ?? {};
  const node = median(bare);
  const ratios = Object.fromEntries(
    Object.entries(medianMs).map(([name, steps]) => [
      name,
      {
        "process to 20 records": (steps["process"] ?? 0) / (few["process"] ?? 0),
        "store alone to 20 records": (steps["all"] ?? 0) / (few["all"] ?? 0),
        "store alone to bare node": (steps["all"] ?? 0) / node,
      },
    ]),
  );
  const result = { ...machine(), runs, medianMs: { "bare node": node, ...medianMs }, ratios };
  const text = `${JSON.stringify(result, (_, v: unknown) => (typeof v === "number" ? Math.round(v * 1000) / 1000 : v), 1)}\n`;
  process.stdout.write(text);
  if (values.out !== undefined) writeFileSync(values.out, text);
}

/** @param apart each record of an Action of its own, beside one of ours; else all of ours, over 20 path sets */
async function filled(root: string, count: number, apart: boolean): Promise<string> {
  // Filling need not survive a power cut.
  const folder = openFolder({ ...effects, files: { ...nodeStoreFiles, fsync: async () => undefined } }, root);
  const { blobs, records } = diskStore(folder);
  for (const text of BLOBS) await blobs.put(Buffer.from(text));
  const trace = { ...sampleRecord.trace, observations: syntheticObservations(1000, 20) };
  const record = await blobs.put(encodeRecord({ ...sampleRecord, trace }, nodeDeflate) ?? Buffer.alloc(0));
  for (let i = 0; i < count; i++) {
    const weak = apart && i > 0 ? digestOf(`action ${i}`) : ACTION;
    const [pathSet, strong] = [digestOf(`set ${i % 20}`), digestOf(`strong ${i}`)];
    await records.append(weak, { pathSet, strong, record, recordedAt: (1_000_000 + i) as EpochMs });
  }
  return root;
}
