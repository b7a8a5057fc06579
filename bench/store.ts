// What the disk layer costs: get and put of 20 and 200 kB, appends and lookups, against one JSON file per key (read, parsed, not
// verified; written without fsync), the least a cache can do. With `npm install --no-save cacache@20.0.4`, also against
// cacache, and what loading each costs in a bundle, against a bare node start.
//   npm run bench -- store [--rounds 300] [--runs 15]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import type { Digest } from "../src/core/digest.ts";
import { nodeHasher, systemClock, systemRandom } from "../src/node/ports.ts";
import { nodeStoreFiles } from "../src/node/store-files.ts";
import type { EpochMs } from "../src/ports.ts";
import { diskStore } from "../src/store/disk.ts";
import { openFolder } from "../src/store/folder.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    rounds: { type: "string", default: "300" },
    runs: { type: "string", default: "15" },
    out: { type: "string" },
  },
});
const [rounds, runs] = [Number(values.rounds), Number(values.runs)];
const scratch = mkdtempSync(join(tmpdir(), "foregone-store-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

interface Contender {
  put(key: string, bytes: Buffer): Promise<unknown>;
  get(key: string): Promise<unknown>;
}
const effects = { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom };
const { blobs, records } = diskStore(openFolder(effects, join(scratch, "ours")));
const digests = new Map<string, Digest>();
const contenders: Record<string, Contender> = {
  "JSON file": {
    async put(key, bytes) {
      const path = join(scratch, "json", key);
      writeFileSync(`${path}.tmp`, JSON.stringify({ body: bytes.toString("latin1") }));
      renameSync(`${path}.tmp`, path);
    },
    get: async (key) => JSON.parse(readFileSync(join(scratch, "json", key), "utf8")),
  },
  ours: {
    put: async (key, bytes) => digests.set(key, await blobs.put(bytes)),
    get: async (key) => blobs.get(digests.get(key) as Digest),
  },
};
mkdirSync(join(scratch, "json"));
const cacache = await optional("cacache");
if (cacache !== undefined) {
  const root = join(scratch, "cacache");
  contenders["cacache"] = { put: (key, bytes) => cacache.put(root, key, bytes), get: (key) => cacache.get(root, key) };
}

const microseconds: Record<string, Record<string, { p50: number; p99: number }>> = {};
for (const sizeBytes of [20_000, 200_000])
  for (const step of ["put", "get"] as const) {
    const times: Record<string, number[]> = {};
    for (let i = 0; i < rounds; i++)
      for (const [name, contender] of Object.entries(contenders)) {
        const key = `${sizeBytes}-${i}`;
        // JSON escapes would blow up random bytes: text, as bodies of an API are.
        const bytes = Buffer.alloc(sizeBytes, `{"key":"${key}"},`);
        const from = performance.now();
        await contender[step](key, bytes);
        (times[name] ??= []).push((performance.now() - from) * 1000);
      }
    microseconds[`${step} ${sizeBytes / 1000} kB`] = Object.fromEntries(
      Object.entries(times).map(([name, list]) => [name, { p50: median(list), p99: quantile(list, 0.99) }]),
    );
  }
const weak = (i: number): Digest => `sha256:${nodeHasher.sha256(`action ${i % 10}`)}` as Digest;
const appends: number[] = [];
const lookups: number[] = [];
for (let i = 0; i < rounds; i++) {
  const entry = { pathSet: weak(i), strong: weak(i + 1), record: weak(1000 + i), recordedAt: i as EpochMs };
  let from = performance.now();
  await records.append(weak(i), entry);
  appends.push((performance.now() - from) * 1000);
  from = performance.now();
  await records.lookup(weak(i));
  lookups.push((performance.now() - from) * 1000);
}
microseconds["append"] = { ours: { p50: median(appends), p99: quantile(appends, 0.99) } };
microseconds["lookup"] = { ours: { p50: median(lookups), p99: quantile(lookups, 0.99) } };

const result = { ...machine(), rounds, microseconds, loading: await loading() };
const text = `${JSON.stringify(result, (_, v: unknown) => (typeof v === "number" ? Math.round(v * 100) / 100 : v), 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);

/** Medians of a process that loads a bundle and does nothing with it, alternating. CPU time hardly feels a busy machine. */
async function loading(): Promise<Record<string, { wallMs: number; cpuMs: number }>> {
  const sources: Record<string, string> = {
    "bare node": "",
    "disk layer":
      'import * as a from "./src/store/open.ts"; import * as b from "./src/node/store-files.ts"; import * as c from "./src/node/ports.ts"; globalThis.x = [a, b, c];',
    ...(cacache !== undefined && { cacache: 'import * as a from "cacache"; globalThis.x = a;' }),
  };
  const wall: Record<string, number[]> = {};
  const cpu: Record<string, number[]> = {};
  const report = "const u = process.cpuUsage(); process.stdout.write(String((u.user + u.system) / 1000));";
  for (const [name, contents] of Object.entries(sources))
    await build({
      stdin: { contents: `${contents} ${report}`, resolveDir: "." },
      outfile: join(scratch, `${name}.mjs`),
      bundle: true,
      minify: true,
      platform: "node",
      format: "esm",
      banner: { js: 'import{createRequire as r}from"node:module";const require=r(import.meta.url);' },
    });
  for (let i = 0; i < runs; i++)
    for (const name of Object.keys(sources)) {
      const from = performance.now();
      const argv = [join(scratch, `${name}.mjs`)];
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      (wall[name] ??= []).push(performance.now() - from);
      (cpu[name] ??= []).push(Number(stdout));
    }
  return Object.fromEntries(
    Object.keys(sources).map((name) => [name, { wallMs: median(wall[name] ?? []), cpuMs: median(cpu[name] ?? []) }]),
  );
}

interface Cacache {
  put(root: string, key: string, bytes: Buffer): Promise<unknown>;
  get(root: string, key: string): Promise<unknown>;
}

async function optional(name: string): Promise<Cacache | undefined> {
  try {
    return ((await import(name)) as { default: Cacache }).default;
  } catch {
    process.stderr.write("without cacache: npm install --no-save cacache@20.0.4 to compare with it\n");
    return undefined;
  }
}

function quantile(list: readonly number[], q: number): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length * q)] ?? Number.NaN;
}
