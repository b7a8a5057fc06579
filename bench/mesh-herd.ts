// A herd: 200 jobs on 20 machines ask for the same 10 API reads within 0.2 s, nobody has them. How many calls reach GitHub that count
// against the quota? The baseline is the same herd without peers; beside it, with peers but without waiting.
// `--stall 40`: every machine is held up for so long every 100 ms, as on a starved host.
//   npm run bench -- mesh-herd [--origin 100] [--budget MS] [--stall MS] [--out FILE]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { EpochMs } from "../src/ports.ts";
import type { Digest } from "../src/core/digest.ts";
import { nodeHasher } from "../src/node/ports.ts";
import { type LabOptions, labMesh, type LabPeer, stopAll } from "../src/testing/mesh-lab.ts";
import { digestOf, entryOf } from "../src/testing/store.contract.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    origin: { type: "string", default: "100" },
    budget: { type: "string" },
    stall: { type: "string", default: "0" },
    out: { type: "string" },
  },
});
const [originMs, stallMs] = [Number(values.origin), Number(values.stall)];
const [JOBS, KEYS, MACHINES, WITHIN_MS] = [200, 10, 20, 200];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Outcome {
  readonly upstream: number;
  readonly messages: number;
  readonly ms: number;
  /** Why somebody went upstream: it had the lease, or had waited long enough. */
  readonly counts?: Readonly<Record<string, number>>;
}

async function herd(peers: readonly LabPeer[] | undefined): Promise<Outcome> {
  let upstream = 0;
  /** One call for those of one machine who ask together: the API cache does so with or without peers. */
  const flights = new Map<string, Promise<void>>();
  const read = async (at: number, key: number): Promise<void> => {
    const weak = digestOf(`read ${key}`);
    const peer = peers?.[at];
    if (((await peer?.api.records.lookup(weak)) ?? []).length > 0) return;
    upstream++;
    await sleep(originMs);
    const body = Buffer.alloc(2000, key);
    const record = `sha256:${nodeHasher.sha256(body)}` as Digest;
    await peer?.api.blobs.put(body);
    await peer?.api.records.append(weak, { ...entryOf("set", "s", 1), record, recordedAt: Date.now() as EpochMs });
    peer?.api.done(weak);
    peer?.api.took(originMs);
  };
  const stalls = setInterval(() => {
    const until = performance.now() + stallMs;
    while (performance.now() < until);
  }, 100);
  const from = performance.now();
  await Promise.all(
    Array.from({ length: JOBS }, async (_, job) => {
      await sleep((WITHIN_MS * job) / JOBS);
      for (let key = 0; key < KEYS; key++) {
        const at = job % MACHINES;
        const name = peers === undefined ? `${job} ${key}` : `${at} ${key}`;
        const before = flights.get(name);
        const now = before ?? read(at, key).finally(() => flights.delete(name));
        flights.set(name, now);
        await now;
      }
    }),
  );
  clearInterval(stalls);
  const messages = peers?.reduce((sum, { mesh }) => sum + mesh.traffic.messagesOut, 0) ?? 0;
  return { upstream, messages, ms: performance.now() - from };
}

async function withPeers(options: LabOptions): Promise<Outcome> {
  const peers = await labMesh(MACHINES, options);
  const outcome = await herd(peers);
  const counts: Record<string, number> = {};
  for (const { getter } of peers)
    for (const [name, count] of Object.entries(getter.counts)) counts[name] = (counts[name] ?? 0) + count;
  await stopAll(peers);
  return { ...outcome, counts };
}

const budget = values.budget === undefined ? {} : { budgetMs: Number(values.budget) };
const alone = await herd(undefined);
const without = await withPeers({ ...budget, waits: false });
const leased = await withPeers(budget);
const result = {
  ...machine(),
  jobs: JOBS,
  keys: KEYS,
  machines: MACHINES,
  originMs,
  stallMs,
  budgetMs: values.budget === undefined ? "a quarter of the origin's" : Number(values.budget),
  baseline: { withoutPeers: alone, withoutWaiting: without },
  leased,
  ratios: { upstream: leased.upstream / alone.upstream },
  goals: { upstream: 30 },
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
process.exit(0);
