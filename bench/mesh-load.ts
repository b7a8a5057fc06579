// What a peer costs: time to listening, resident memory a connection, and look-ups while members flood it; each beside the same
// without it.
//   npm run bench -- mesh-load [--peers 32] [--out FILE]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { HostilePeer, cbor, raw } from "../src/testing/hostile-peer.ts";
import { LAB_NETWORK, labPeer } from "../src/testing/mesh-lab.ts";
import { digestOf } from "../src/testing/store.contract.ts";
import { machine, median } from "./machine.ts";
import { joined, others, timed } from "./mesh-lab.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    peers: { type: "string", default: "32" },
    flooders: { type: "string", default: "16" },
    out: { type: "string" },
  },
});
const count = Number(values.peers);
const rssKb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 1024;
};

// The first start also loads libp2p.
const starts: number[] = [];
for (let n = 0; n < 6; n++) {
  const from = performance.now();
  const one = await labPeer();
  starts.push(performance.now() - from);
  await one.stop();
}
const rest = await others([count]);
const alone = await labPeer();
const before = rssKb();
await alone.stop();
const peer = await joined(rest.addresses.flat());
const after = rssKb();
let n = 0;
const lookup = async (): Promise<void> => {
  const weak = digestOf(`read ${n++}`);
  await peer.api.records.lookup(weak);
  peer.api.done(weak);
};
await timed(100, lookup);
const idle = await timed(400, lookup);
const flooders = await Promise.all(
  Array.from({ length: Number(values.flooders) }, () => HostilePeer.start(Buffer.alloc(32, 7), LAB_NETWORK)),
);
const lines = await Promise.all(flooders.map((flooder) => flooder.join(peer.listening ?? "", { addrs: [] })));
const get = cbor({ kind: "blob", key: Buffer.alloc(32), scopes: [""], lease: false, ms: 1 });
const flood = setInterval(() => {
  for (const line of lines) for (let id = 1; id < 200; id += 2) line.send(raw(0x0a, id, get));
}, 5);
const rssBeforeFlood = rssKb();
const flooded = await timed(400, lookup);
clearInterval(flood);
const rssAfterFlood = rssKb();
rest.stop();
await Promise.all(flooders.map((flooder) => flooder.stop()));
await peer.stop();
const result = {
  ...machine(),
  startMs: { firstWithLoading: starts[0], median: median(starts.slice(1)) },
  rssKbPerConnection: (after - before) / count,
  rssMb: after / 1024,
  lookupMs: { idle, flooded },
  floodRssGrowthMiB: (rssAfterFlood - rssBeforeFlood) / 1024,
  note: "the flooders run in this process and share its core: an upper bound",
  ratios: { floodP99: flooded.p99 / idle.p99 },
  goals: { startMs: 300, rssKbPerConnection: 80, rssMb: 150, floodP99: 10, floodRssGrowthMiB: 256 },
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
process.exit(0);
