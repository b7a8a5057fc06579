// What a fleet pays GitHub, and how old its answers are: the real engine on a virtual clock in front of the double, beside what
// others do, on the same calls. Exits 1 if a goal is missed.
//   npm run bench -- api-fleet [--seeds 2] [--out bench/results/api-fleet.json]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { DEFAULT_ENGINE } from "../src/github/engine.ts";
import { nodeHasher } from "../src/node/ports.ts";
import { memoryStore } from "../src/store/memory.ts";
import { PROVEN, type TestEngine, testEngine } from "../src/testing/github-engine.ts";
import { GitHubSemantics, json } from "../src/testing/github-semantics.ts";
import { VirtualTime } from "../src/testing/virtual-time.ts";
import { BASELINES, type Tally, distinctVersions, play } from "./api-fleet/baselines.ts";
import { type Mixture, mixture, versionAt } from "./api-fleet/mixture.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { seeds: { type: "string", default: "2" }, out: { type: "string" } },
});
const SEEDS = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const HOSTS = 41;

interface How {
  readonly freshness: "strict" | "lease";
  /** Known from before, or to be proven by every engine for itself. */
  readonly rule: "proven" | "cold";
  /** One store for the fleet, or one for each host. */
  readonly shared: boolean;
}

async function foregone(fleet: Mixture, how: How): Promise<Tally> {
  const time = new VirtualTime();
  const version = (url: string): number =>
    versionAt(fleet.changes[ids.get(url) ?? 0] ?? new Float64Array(), time.clock.monotonicMs() / 1000);
  const ids = new Map(fleet.urls.map((url, id) => [url, id]));
  const double = new GitHubSemantics(
    ({ path }) => {
      const body = { url: path, version: version(path), total_count: 1, items: [{ id: 1 }] };
      return json(200, path.includes("/files?") ? [body] : body);
    },
    { now: () => time.clock.now(), limit: Number.POSITIVE_INFINITY },
  );
  const one = memoryStore(nodeHasher, 2 ** 30);
  const leases = { ...DEFAULT_ENGINE.reads.leases, freshness: how.freshness };
  const engines: TestEngine[] = Array.from({ length: HOSTS }, () =>
    testEngine({
      time,
      double,
      store: how.shared ? one : memoryStore(nodeHasher, 2 ** 26),
      ruleFile: how.rule === "proven" ? PROVEN : "none",
      options: { reads: { ...DEFAULT_ENGINE.reads, leases } },
    }),
  );
  const tally: Tally = { paid: 0, certified: 0, local: 0, stale: 0 };
  for (const call of fleet.calls) {
    time.pass(Math.max(0, call.atS * 1000 - time.clock.monotonicMs()));
    const url = fleet.urls[call.url] ?? "";
    const t = engines[call.host];
    if (t === undefined) throw new TypeError(`no host ${call.host}`);
    const answer = await t.ask(url, `ghs_${call.token}`);
    if (answer.mode === "MISS" || answer.mode === "CHANGED") tally.paid++;
    else if (answer.mode === "REVALIDATED") tally.certified++;
    else if (answer.mode === "FRESH") tally.local++;
    else throw new Error(`${url}: ${answer.mode} ${answer.why}`);
    if (Number(/"version":(\d+)/.exec(answer.text)?.[1]) !== version(url)) tally.stale++;
    await t.engine.flush();
  }
  // GitHub's own count must agree.
  if (double.paid !== tally.paid) throw new Error(`the double counted ${double.paid} paid, we ${tally.paid}`);
  return tally;
}

const OURS: Readonly<Record<string, How>> = {
  "foregone, strict": { freshness: "strict", rule: "proven", shared: true },
  "foregone (default: leases)": { freshness: "lease", rule: "proven", shared: true },
  "foregone, leases, rule to be proven": { freshness: "lease", rule: "cold", shared: true },
  "foregone, leases, each host alone": { freshness: "lease", rule: "proven", shared: false },
};

interface Row extends Tally {
  readonly seed: number;
  readonly policy: string;
  readonly calls: number;
  readonly distinctVersions: number;
}

const rows: Row[] = [];
for (const seed of SEEDS) {
  const fleet = mixture(seed);
  const facts = { seed, calls: fleet.calls.length, distinctVersions: distinctVersions(fleet) };
  for (const [policy, make] of Object.entries(BASELINES)) rows.push({ ...facts, policy, ...play(fleet, make) });
  for (const [policy, how] of Object.entries(OURS)) rows.push({ ...facts, policy, ...(await foregone(fleet, how)) });
}
const sensitivity: { factor: number; policy: string; paidShare: number; stale: number }[] = [];
for (const factor of [0.25, 0.5, 2, 4]) {
  const fleet = mixture(1, factor);
  const default_ = await foregone(fleet, { freshness: "lease", rule: "proven", shared: true });
  const central = play(fleet, BASELINES["tag per token, central, always asks"] ?? failing);
  for (const [policy, tally] of [
    ["foregone (default: leases)", default_],
    ["tag per token, central, always asks", central],
  ] as const)
    sensitivity.push({ factor, policy, paidShare: tally.paid / fleet.calls.length, stale: tally.stale });
}

function failing(): never {
  throw new TypeError("no such baseline");
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`.padStart(7);
const policies = [...new Set(rows.map((row) => row.policy))];
const means = policies.map((policy) => {
  const of = rows.filter((row) => row.policy === policy);
  const mean = (pick: (row: Row) => number): number =>
    of.reduce((sum, row) => sum + pick(row) / row.calls, 0) / of.length;
  return {
    policy,
    paid: mean((r) => r.paid),
    certified: mean((r) => r.certified),
    local: mean((r) => r.local),
    stale: mean((r) => r.stale),
  };
});
for (const m of means)
  process.stdout.write(
    `${m.policy.padEnd(38)} paid ${percent(m.paid)}  304 ${percent(m.certified)}  local ${percent(m.local)}  stale ${percent(m.stale)}\n`,
  );
for (const s of sensitivity)
  process.stdout.write(
    `change rates x ${s.factor}: ${s.policy.padEnd(36)} paid ${percent(s.paidShare)}  stale ${s.stale}\n`,
  );

const ours = rows.filter((row) => row.policy === "foregone (default: leases)");
const strict = rows.filter((row) => row.policy === "foregone, strict");
const goals = {
  "paid <= 15 % of the calls": ours.every((row) => row.paid / row.calls <= 0.15),
  "no stale answer":
    rows.filter((row) => row.policy.startsWith("foregone")).every((row) => row.stale === 0) &&
    sensitivity.filter((s) => s.policy.startsWith("foregone")).every((s) => s.stale === 0),
  "strict pays each version of each URL once": strict.every((row) => row.paid === row.distinctVersions),
};
process.stdout.write(
  `${Object.entries(goals)
    .map(([goal, met]) => `${met ? "met   " : "MISSED"} ${goal}`)
    .join("\n")}\n`,
);
if (values.out !== undefined)
  writeFileSync(
    values.out,
    `${JSON.stringify({ ...machine(), seeds: SEEDS, means, sensitivity, goals, rows }, undefined, 1)}\n`,
  );
process.exitCode = Object.values(goals).every(Boolean) ? 0 : 1;
