// Ten peers, of which one is dead, one hangs and one lies: what a look-up costs, and whether any fails. The baseline is the same
// look-ups while all are well.
//   npm run bench -- mesh-faults [--times 600] [--out FILE]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cbor, HostilePeer, raw, uncbor } from "../src/testing/hostile-peer.ts";
import { LAB_NETWORK, until } from "../src/testing/mesh-lab.ts";
import { digestOf } from "../src/testing/store.contract.ts";
import { machine } from "./machine.ts";
import { joined, others, timed } from "./mesh-lab.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { times: { type: "string", default: "600" }, out: { type: "string" } },
});
const times = Number(values.times);
const rest = await others([6, 1, 1]);
const peer = await joined(rest.addresses.flat());
const hostile = await HostilePeer.start(Buffer.alloc(32, 7), LAB_NETWORK);
const line = await hostile.join(peer.listening ?? "");
await until(() => peer.mesh.ringSize === 10);
// Well, it answers truly that it has nothing.
line.onFrame = ({ type, id }) => {
  if (type === 0x0a) line.send(raw(0x0c, id, cbor({})));
};
let failed = 0;
let n = 0;
const lookup = async (): Promise<void> => {
  const weak = digestOf(`read ${n++}`);
  await peer.api.records.lookup(weak).catch(() => failed++);
  peer.api.done(weak);
};
await timed(100, lookup);
const well = await timed(times, lookup);
const [, dead, slow] = rest.processes;
line.onFrame = ({ type, id, body }) => {
  if (type !== 0x0a) return;
  const value = hostile.value(Buffer.from(uncbor(body)["key"] as Uint8Array), Buffer.from("poison"));
  value.sealed[40] = (value.sealed[40] ?? 0) ^ 1;
  line.send(raw(0x0b, id, hostile.body(value)));
};
dead?.kill("SIGKILL");
slow?.kill("SIGSTOP");
const faulty = await timed(times, lookup);
const budgetMs = peer.getter.origin.budgetMs;
slow?.kill("SIGCONT");
rest.stop();
await hostile.stop();
await peer.stop();
const result = {
  ...machine(),
  unit: "ms",
  baseline: { allWell: well },
  faulty,
  budgetMs,
  failed,
  lyingPeerRefused: peer.events.some(({ kind }) => kind === "peer-bad-bytes"),
  ratios: { p99: faulty.p99 / well.p99 },
  goals: { p99: budgetMs + 5, failed: 0 },
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
process.exit(0);
