// A fleet of 1000 runners as an event model, with the product's own ring, leases and budgets: what share of requests still costs a
// call to GitHub, and how many messages between peers a request costs. Nothing is sent, no clock is read.
//   4 requests a minute a runner (Poisson), 2000 keys (Zipf 0.9), each fresh for 60 to 600 s, a runner lives 10 minutes on
//   average, others learn of it 30 s late, and of its end by its closed connection (--death late: 30 s late, too). Origin 80 ms + exp(60); round trip 0.4 ms + exp(0.3). 10 minutes to warm up, 30 measured.
//   npm run bench -- mesh-sim [--runners 1000] [--seeds 5] [--minutes 30] [--out FILE]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { sha256 } from "../src/peers/bytes.ts";
import { Hedges, Ewma, OriginLatency } from "../src/peers/budget.ts";
import { Leases } from "../src/peers/lease.ts";
import { ownersOf, ringOf } from "../src/peers/ring.ts";
import { EventQueue, generator, zipfSampler } from "./event-model.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    runners: { type: "string", default: "1000" },
    seeds: { type: "string", default: "5" },
    minutes: { type: "string", default: "30" },
    /** `exp`: lives of 10 minutes on average, `fixed`: all of them exactly so. */
    life: { type: "string", default: "exp" },
    /** Whether peers learn of a death by its closed connection, or only `late`, as of its birth. */
    death: { type: "string", default: "told" },
    out: { type: "string" },
  },
});
const [RUNNERS, SEEDS, MINUTES] = [Number(values.runners), Number(values.seeds), Number(values.minutes)];
const [KEYS, ZIPF, PER_MINUTE, LIFE_MS, LAG_MS, WARM_MS] = [2000, 0.9, 4, 600_000, 30_000, 600_000];
const RING_AGE_MS = 60_000;
const SNAPSHOT_MS = 5000;
/** As in src/peers/asking.ts. */
const MAX_WAIT_MS = 1000;
const END_MS = WARM_MS + MINUTES * 60_000;

const runs = Array.from({ length: SEEDS }, (_, seed) => ({
  seed: seed + 1,
  peers: simulate(seed + 1, true),
  alone: simulate(seed + 1, false),
}));
const share = (pick: (run: (typeof runs)[number]) => number): { median: number; worst: number } => {
  const all = runs.map(pick);
  return { median: round(median(all)), worst: round(Math.max(...all)) };
};
const result = {
  ...machine(),
  runners: RUNNERS,
  minutes: MINUTES,
  life: values.life,
  death: values.death,
  upstreamPercent: share(({ peers }) => peers.upstreamPercent),
  messagesPerRequest: share(({ peers }) => peers.messagesPerRequest),
  upstreamPercentWithoutPeers: share(({ alone }) => alone.upstreamPercent),
  goal: { upstreamPercent: 13, messagesPerRequest: 3 },
  runs,
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

interface Runner {
  readonly id: Uint8Array;
  readonly bornMs: number;
  alive: boolean;
  /** Key -> when it is stale. */
  readonly fresh: Map<number, number>;
  /** What it keeps for others, as an owner. */
  readonly owned: Map<number, number>;
  readonly leases: Leases<Runner>;
  readonly origin: OriginLatency;
  readonly hedges: Hedges;
  readonly rtt: Ewma;
  /** Keys under way: a runner asks once for all its jobs. */
  readonly asking: Map<number, Ask>;
}

interface Ask {
  readonly runner: Runner;
  readonly key: number;
  owners: readonly Runner[];
  settled: boolean;
  /** Of whom it holds a lease. */
  lease?: { readonly owner: Runner; readonly token: string };
}

function simulate(seed: number, withPeers: boolean) {
  const random = generator(seed);
  const exponential = (mean: number): number => -mean * Math.log(1 - random());
  const zipf = zipfSampler(random, KEYS, ZIPF);
  const ttl = Array.from({ length: KEYS }, () => 60_000 + random() * 540_000);
  const hashes = Array.from({ length: KEYS }, (_, key) => sha256(Buffer.from(`key ${key}`)));
  const queue = new EventQueue();
  const counts = { requests: 0, local: 0, upstream: 0, messages: 0, waits: 0 };
  let now = 0;
  let made = 0;
  const fleet = new Set<Runner>();
  /** The ring as it was seen at a multiple of SNAPSHOT_MS, and owners of keys in it. */
  const rings: { readonly nodes: readonly Runner[]; readonly owners: Map<number, readonly Runner[]> }[] = [];

  const measured = (): boolean => now >= WARM_MS;
  const count = (what: keyof typeof counts, by = 1): void => {
    if (measured()) counts[what] += by;
  };
  const after = (ms: number, act: () => void): void => queue.push(now + ms, act);

  const born = (ageMs: number): void => {
    const runner: Runner = {
      id: sha256(Buffer.from(`${seed} runner ${made++}`)),
      bornMs: now - ageMs,
      alive: true,
      fresh: new Map(),
      owned: new Map(),
      leases: new Leases(() => String(made++)),
      origin: new OriginLatency(),
      hedges: new Hedges(),
      rtt: new Ewma(),
      asking: new Map(),
    };
    fleet.add(runner);
    after(values.life === "exp" ? exponential(LIFE_MS) : LIFE_MS - ageMs, () => dies(runner));
    nextRequest(runner);
  };

  const dies = (runner: Runner): void => {
    runner.alive = false;
    fleet.delete(runner);
    for (const owner of fleet)
      for (const { who, token } of owner.leases.gone(runner, now)) granted(who.asking, owner, token);
    born(0);
  };

  const nextRequest = (runner: Runner): void =>
    after(exponential(60_000 / PER_MINUTE), () => {
      if (!runner.alive) return;
      request(runner, zipf());
      nextRequest(runner);
    });

  const look = (): void => {
    const nodes = [...fleet].filter(({ bornMs }) => now - bornMs > RING_AGE_MS).map((runner) => ({ ...view(runner) }));
    rings.push({ nodes: ringOf(nodes).map(({ runner }) => runner), owners: new Map() });
    after(SNAPSHOT_MS, look);
  };
  const view = (runner: Runner) => ({ id: runner.id, upMs: now - runner.bornMs, runner });

  const owners = (key: number): readonly Runner[] => {
    const ring = rings[Math.max(0, Math.floor((now - LAG_MS) / SNAPSHOT_MS))];
    if (ring === undefined) return [];
    let known = ring.owners.get(key);
    if (known === undefined) ring.owners.set(key, (known = ownersOf(ring.nodes, hashes[key] as Buffer)));
    if (values.death !== "told" || known.every(({ alive }) => alive)) return known;
    return ownersOf(
      ring.nodes.filter(({ alive }) => alive),
      hashes[key] as Buffer,
    );
  };

  const request = (runner: Runner, key: number): void => {
    count("requests");
    if ((runner.fresh.get(key) ?? 0) > now || runner.asking.has(key)) return count("local");
    const ask: Ask = { runner, key, owners: withPeers ? owners(key) : [], settled: false };
    runner.asking.set(key, ask);
    const [first, second] = ask.owners;
    if (first === undefined) return fetch(ask);
    send(ask, first, true);
    after(Hedges.delayMs(runner.rtt), () => {
      if (!ask.settled && ask.lease === undefined && second !== undefined && runner.hedges.take())
        send(ask, second, false);
    });
    runner.hedges.noteGet();
    after(runner.origin.budgetMs, () => {
      if (!ask.settled && !waiting.has(ask)) fetch(ask);
    });
  };

  const waiting = new Set<Ask>();
  const toSelf = (ask: Ask, owner: Runner): boolean => owner === ask.runner;

  const send = (ask: Ask, owner: Runner, wantsLease: boolean): void => {
    const self = toSelf(ask, owner);
    if (!self) count("messages");
    const rtt = self ? 0 : 0.4 + exponential(0.3);
    after(rtt / 2, () => {
      // A dead owner does not answer: the hedge or the budget goes on.
      if (!owner.alive) return;
      if (!self) count("messages");
      const until = owner.owned.get(ask.key) ?? 0;
      if (until > now) return after(rtt / 2, () => got(ask, until, rtt));
      if (!wantsLease) return;
      const answer = owner.leases.ask(String(ask.key), ask.runner, ask.key, ask.runner.origin.ms, now);
      after(rtt / 2, () => {
        if (ask.settled || !ask.runner.alive) return;
        ask.runner.rtt.note(rtt);
        if (answer.kind === "wait") return wait(ask, answer.leftMs);
        if (answer.kind === "lease") ask.lease = { owner, token: answer.token };
        fetch(ask);
      });
    });
  };

  const wait = (ask: Ask, leftMs: number): void => {
    count("waits");
    waiting.add(ask);
    after(Math.min(MAX_WAIT_MS, leftMs + 50), () => {
      if (waiting.delete(ask) && !ask.settled) fetch(ask);
    });
  };

  /** A waiter is given the lease of a holder that died. */
  const granted = (asking: ReadonlyMap<number, Ask>, owner: Runner, token: string): void => {
    for (const ask of asking.values())
      if (waiting.delete(ask) && !ask.settled) {
        ask.lease = { owner, token };
        fetch(ask);
        return;
      }
  };

  const got = (ask: Ask, until: number, rtt = 0): void => {
    if (ask.settled || !ask.runner.alive) return;
    settle(ask);
    if (rtt > 0) ask.runner.rtt.note(rtt);
    ask.runner.fresh.set(ask.key, until);
  };

  const settle = (ask: Ask): void => {
    ask.settled = true;
    waiting.delete(ask);
    ask.runner.asking.delete(ask.key);
  };

  const fetch = (ask: Ask): void => {
    const { runner, key } = ask;
    ask.settled = true;
    count("upstream");
    const ms = 80 + exponential(60);
    after(ms, () => {
      if (!runner.alive) return;
      settle(ask);
      runner.origin.note(ms);
      const until = now + (ttl[key] as number);
      runner.fresh.set(key, until);
      if (!withPeers) return;
      for (const owner of owners(key)) publish(ask, owner, until);
      // The lease is given back, after what it was for.
      if (ask.lease !== undefined && ask.lease.owner !== runner) count("messages");
    });
  };

  const publish = (ask: Ask, owner: Runner, until: number): void => {
    const self = toSelf(ask, owner);
    if (!self) count("messages");
    after(self ? 0 : 0.3, () => {
      if (!owner.alive) return;
      if (!self) count("messages");
      owner.owned.set(ask.key, until);
      for (const { who } of owner.leases.fulfilled(String(ask.key))) {
        const waiter = who.asking.get(ask.key);
        if (who !== owner) count("messages");
        if (waiter !== undefined) after(0.3, () => got(waiter, until));
      }
    });
  };

  for (let i = 0; i < RUNNERS; i++) born(random() * LIFE_MS);
  look();
  for (let next = queue.pop(); next !== undefined && next.at <= END_MS; next = queue.pop()) {
    now = next.at;
    next.act();
  }
  return {
    requests: counts.requests,
    upstreamPercent: round((100 * counts.upstream) / counts.requests),
    localPercent: round((100 * counts.local) / counts.requests),
    messagesPerRequest: round(counts.messages / counts.requests),
    waits: counts.waits,
  };
}
