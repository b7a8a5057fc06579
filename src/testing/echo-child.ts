// What a hit at a peer is measured against, in a process of its own: 20 KB for each message, over TCP, and over Noise and Yamux on one
// stream. Prints {port, address} as one line of JSON and ends with its stdin.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { HostilePeer } from "./hostile-peer.ts";

const bytes = randomBytes(Number(process.argv[2]));

const server = createServer((socket) => {
  socket.setNoDelay(true).on("data", () => socket.write(bytes));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const peer = await HostilePeer.start(randomBytes(32), "bench");
await peer.node.handle("/bench/1", (stream) => {
  stream.addEventListener("message", () => stream.send(bytes));
});
const { port } = server.address() as AddressInfo;
process.stdout.write(`${JSON.stringify({ port, address: String(peer.node.getMultiaddrs()[0]) })}\n`);
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
