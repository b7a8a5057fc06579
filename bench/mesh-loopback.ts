// A hit at a peer, 20 KB, ten peers on loopback, verified and opened; beside it the same bytes over a bare TCP socket, and over a
// stream of its own per request.
//   npm run bench -- mesh-loopback [--times 2000] [--out FILE]
import { createServer, connect } from "node:net";
import type { AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { nodeHasher } from "../src/node/ports.ts";
import { keyHash } from "../src/peers/claim.ts";
import { ANY } from "../src/peers/scope.ts";
import { HostilePeer } from "../src/testing/hostile-peer.ts";
import { machine } from "./machine.ts";
import { joined, others, timed, type Times } from "./mesh-lab.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { times: { type: "string", default: "2000" }, out: { type: "string" } },
});
const times = Number(values.times);
const SIZE = 20 * 1024;

async function tcpEcho(): Promise<Times> {
  const server = createServer((socket) => void socket.setNoDelay(true).pipe(socket));
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1").setNoDelay(true);
  const bytes = randomBytes(SIZE);
  const result = await timed(times, async () => {
    let got = 0;
    const whole = new Promise<void>((resolve) => {
      const take = (chunk: Buffer): void => {
        got += chunk.length;
        if (got < SIZE) return;
        socket.off("data", take);
        resolve();
      };
      socket.on("data", take);
    });
    socket.write(bytes);
    await whole;
  });
  socket.destroy();
  server.close();
  return result;
}

/** A new stream for each request, on one connection: libp2p's usual way, and the founding protocol's. */
async function streamEach(): Promise<Times> {
  const bytes = randomBytes(SIZE);
  const [server, client] = [await plainNode(), await plainNode()];
  await server.handle("/bench/1", (stream) => {
    stream.addEventListener("message", () => {
      stream.send(bytes);
      void stream.close();
    });
  });
  const connection = await client.dial(server.getMultiaddrs());
  const result = await timed(Math.min(times, 500), async () => {
    const stream = await connection.newStream("/bench/1");
    let got = 0;
    await new Promise<void>((resolve) => {
      stream.addEventListener("message", ({ data }) => {
        got += data.byteLength;
        if (got >= SIZE) resolve();
      });
      stream.send(Buffer.from("?"));
    });
    void stream.close();
  });
  await client.stop();
  await server.stop();
  return result;
}

const plainNode = async (): Promise<HostilePeer["node"]> => (await HostilePeer.start(randomBytes(32), "bench")).node;

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
const get = async (n: number): Promise<void> => {
  const { values: found } = await peer.getter.get("blob", names[n % names.length] ?? "", [ANY], false);
  if (found[0]?.plain.length !== SIZE) missed++;
};
await timed(200, get);
const baseline = { tcp: await tcpEcho(), streamEach: await streamEach() };
missed = 0;
const hit = await timed(times, get);
rest.stop();
await peer.stop();
const result = {
  ...machine(),
  unit: "ms",
  hit,
  missed,
  baseline,
  ratios: { toTcp: hit.p50 / baseline.tcp.p50, fasterThanStreamEach: baseline.streamEach.p50 / hit.p50 },
  goals: { p50: 0.5, p99: 5 },
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
process.exit(0);
