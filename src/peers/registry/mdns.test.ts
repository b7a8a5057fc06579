import { createSocket } from "node:dgram";
import { onTestFinished, expect, test, type TestContext } from "vitest";
import multicastDns from "multicast-dns";
import { systemClock } from "../../node/ports.ts";
import { meshKey, type MeshKeys } from "../mesh-key.ts";
import { peerIdOf, peerIdText } from "../identity.ts";
import { mdns } from "./mdns.ts";
import type { PeerRegistry } from "./registry.ts";

const NETWORK = "github.com/acme/shop";
const LIFE_MS = 900_000;
const keys: MeshKeys = [meshKey(Buffer.alloc(32, 1), 1, NETWORK)];
const selfOf = (n: number) => ({
  peer: peerIdText(peerIdOf(Buffer.alloc(32, n))),
  addresses: [`/ip4/10.0.4.${n}/tcp/9000`],
});

test("an address is found by the other members of the mesh on this network, and by nobody else", async (context) => {
  const port = await multicastPort(context);
  const [a, b] = [member(port), member(port)];
  await Promise.all([a.announce?.(selfOf(7)), b.announce?.(selfOf(8))]);
  expect(await b.list()).toEqual(selfOf(7).addresses);
  expect(await a.list()).toEqual(selfOf(8).addresses);
  expect(await member(port, [meshKey(Buffer.alloc(32, 2), 1, NETWORK)]).list()).toEqual([]);
});

test("who has left is found no more", async (context) => {
  const port = await multicastPort(context);
  const [a, b] = [member(port), member(port)];
  await a.announce?.(selfOf(7));
  expect(await b.list()).toEqual(selfOf(7).addresses);
  await a.withdraw?.();
  expect(await b.list()).toEqual([]);
});

test("what a stranger of the network sends is left out, and a flood of questions gets one answer a second", async (context) => {
  const port = await multicastPort(context);
  const [a, b] = [member(port), member(port)];
  await a.announce?.(selfOf(7));
  const stranger = multicastDns({ port });
  onTestFinished(() => stranger.destroy());
  let name = "";
  let answers = 0;
  stranger.on("query", ({ questions = [] }) => {
    name = questions[0]?.name ?? "";
    for (const data of [Buffer.from("p2p-peers-v1-zz"), Buffer.alloc(20, 0xff), Buffer.alloc(0)])
      stranger.respond([{ name, type: "TXT", ttl: 1, data: [data] }]);
    stranger.respond([{ name, type: "A", ttl: 1, data: "10.0.0.1" }]);
  });
  stranger.on("response", ({ answers: given = [] }) => {
    // A sealed line is longer than all that the stranger says.
    if (given.some((each) => each.type === "TXT" && Buffer.from(String(each.data)).length > 64)) answers++;
  });
  expect(await b.list()).toEqual(selfOf(7).addresses);
  stranger.removeAllListeners("query");
  const before = answers;
  for (let i = 0; i < 50; i++) stranger.query(name, "TXT");
  await b.list();
  expect(before).toBe(1);
  expect(answers).toBeLessThanOrEqual(2);
  const raw = createSocket("udp4");
  onTestFinished(() => void raw.close());
  for (const junk of [Buffer.alloc(0), Buffer.alloc(12, 0xff), Buffer.alloc(1400, 0xc0)])
    await new Promise<void>((done) => raw.send(junk, port, "224.0.0.251", () => done()));
  expect(await a.list()).toEqual([]);
});

function member(port: number, mesh: MeshKeys = keys): PeerRegistry {
  const registry = mdns({ network: NETWORK, keys: mesh, lifeMs: LIFE_MS, now: () => systemClock.now(), port });
  onTestFinished(() => registry.withdraw?.());
  return registry;
}

/** A free port on which a datagram to the mDNS group comes back; skips the test where there is none. */
async function multicastPort(context: TestContext): Promise<number> {
  const socket = createSocket("udp4");
  try {
    return await new Promise<number>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, () => {
        const { port } = socket.address();
        socket.addMembership("224.0.0.251");
        socket.once("message", () => resolve(port));
        socket.send("?", port, "224.0.0.251", (error) => error && reject(error));
        // Only for the machine without multicast, where nothing else would end the wait; where there is some, a datagram takes 1 ms.
        setTimeout(() => reject(new Error("nothing came back")), 1000).unref();
      });
    });
  } catch (error) {
    // Containers and clouds often route none, and no test can give them any.
    return context.skip(`no multicast here: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    socket.close();
  }
}
