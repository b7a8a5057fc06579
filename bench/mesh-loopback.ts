// A hit at a peer, 20 KB, ten peers on loopback, verified and opened. Beside it, from a process as far away, the same bytes: over bare
// TCP, over Noise and Yamux on one long-lived stream (what a hit adds to is all that is ours), and over a new stream each, libp2p's
// usual way and the founding protocol's. They take turns, so that a busy machine is busy for all of them.
//   npm run bench -- mesh-loopback [--times 2000] [--out FILE]
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { multiaddr } from "@multiformats/multiaddr";
import { nodeHasher } from "../src/node/ports.ts";
import { keyHash } from "../src/peers/claim.ts";
import { ANY } from "../src/peers/scope.ts";
import { childOf } from "../src/testing/child.ts";
import { HostilePeer } from "../src/testing/hostile-peer.ts";
import { machine } from "./machine.ts";
import { joined, others, timesOf } from "./mesh-lab.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { times: { type: "string", default: "2000" }, out: { type: "string" } },
});
const times = Number(values.times);
const SIZE = 20 * 1024;
/** As long as a GET. */
const QUESTION = Buffer.alloc(150);

type Stream = Awaited<ReturnType<Awaited<ReturnType<HostilePeer["node"]["dial"]>>["newStream"]>>;

/** Waits for one answer after another. */
class Answers {
  #got = 0;
  #whole: () => void = () => undefined;

  take(bytes: number): void {
    this.#got += bytes;
    if (this.#got < SIZE) return;
    this.#got = 0;
    this.#whole();
  }

  next(): Promise<void> {
    return new Promise((resolve) => (this.#whole = resolve));
  }
}

const echo = await childOf("src/testing/echo-child.ts");
const echoing = echo.start({}, String(SIZE));
echoing.stderr.pipe(process.stderr);
const [line] = (await once(echoing.stdout, "data")) as [Buffer];
const { port, address } = JSON.parse(line.toString()) as { readonly port: number; readonly address: string };

async function tcp(): Promise<() => Promise<void>> {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  await once(socket, "connect");
  const answers = new Answers();
  socket.on("data", (chunk: Buffer) => answers.take(chunk.length));
  return () => {
    socket.write(QUESTION);
    return answers.next();
  };
}

const dialer = await HostilePeer.start(randomBytes(32), "bench");
const connection = await dialer.node.dial(multiaddr(address));
function asking(stream: Stream): () => Promise<void> {
  const answers = new Answers();
  stream.addEventListener("message", ({ data }) => answers.take(data.byteLength));
  return () => {
    stream.send(QUESTION);
    return answers.next();
  };
}
async function streamEach(): Promise<void> {
  const stream = await connection.newStream("/bench/1");
  await asking(stream)();
  stream.abort(new Error("done"));
}

const rest = await others([9]);
const peer = await joined(rest.addresses.flat(), { budgetMs: 5000 });
// Values that another peer owns first, or no network is measured.
const names: string[] = [];
while (names.length < 50) {
  const bytes = randomBytes(SIZE);
  const name = `sha256:${nodeHasher.sha256(bytes)}`;
  if (peer.mesh.ownersOf(keyHash("blob", name)).includes("self")) continue;
  names.push(await peer.store.blobs.put(bytes));
}
let missed = 0;
let n = 0;
const hit = async (): Promise<void> => {
  const { values: found } = await peer.getter.get("blob", names[n++ % names.length] ?? "", [ANY], false);
  if (found[0]?.plain.length !== SIZE) missed++;
};
const ways = { hit, tcp: await tcp(), noiseYamux: asking(await connection.newStream("/bench/1")), streamEach };
const ms: Record<keyof typeof ways, number[]> = { hit: [], tcp: [], noiseYamux: [], streamEach: [] };
const order = Object.keys(ways) as (keyof typeof ways)[];
/** Of this process and those that answer, in microseconds: what a busy machine does not blur. */
const cpuUs: Record<keyof typeof ways, number> = { hit: 0, tcp: 0, noiseYamux: 0, streamEach: 0 };
const pids = [process.pid, echoing.pid, ...rest.processes.map(({ pid }) => pid)];
const cpuNow = (): number =>
  pids
    .map((pid) => Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1000)
    .reduce((sum, us) => sum + us, 0);
/** Few enough to share a machine's moods, enough to be warm. */
const TURN = 50;
for (let done = -2 * TURN; done < times; done += TURN)
  for (const way of order) {
    const cpuFrom = cpuNow();
    for (let i = 0; i < (way === "streamEach" ? TURN / 5 : TURN); i++) {
      const from = performance.now();
      await ways[way]();
      if (done >= 0) ms[way].push(performance.now() - from);
    }
    if (done >= 0) cpuUs[way] += cpuNow() - cpuFrom;
  }
rest.stop();
echoing.kill("SIGKILL");
echo[Symbol.dispose]();
await peer.stop();
const p = (way: keyof typeof ways): number => timesOf(ms[way]).p50;
const cpu = (way: keyof typeof ways): number => cpuUs[way] / ms[way].length;
const result = {
  ...machine(),
  unit: "ms",
  hit: timesOf(ms.hit),
  missed,
  baseline: { tcp: timesOf(ms.tcp), noiseYamux: timesOf(ms.noiseYamux), streamEach: timesOf(ms.streamEach) },
  cpuUs: { hit: cpu("hit"), tcp: cpu("tcp"), noiseYamux: cpu("noiseYamux"), streamEach: cpu("streamEach") },
  ratios: {
    cpuToNoiseYamux: cpu("hit") / cpu("noiseYamux"),
    toTcp: p("hit") / p("tcp"),
    toNoiseYamux: p("hit") / p("noiseYamux"),
    fasterThanStreamEach: p("streamEach") / p("hit"),
  },
  goals: { p50: 0.5, p99: 5 },
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
process.exit(0);
