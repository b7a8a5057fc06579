// A network that is cut and mended: every connection goes through a relay that can be closed.
import { createServer, connect, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type LabPeer, labPeer, stopAll, until } from "../testing/mesh-lab.ts";

interface Relay {
  readonly address: string;
  target: number;
  cut: boolean;
  readonly sockets: Set<Socket>;
  readonly server: Server;
}

const relays: Relay[] = [];
const peers: LabPeer[] = [];

afterEach(async () => {
  await stopAll(peers.splice(0));
  for (const { server, sockets } of relays.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

async function relay(): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((inbound) => {
    sockets.add(inbound);
    inbound.on("error", () => undefined).on("close", () => sockets.delete(inbound));
    if (made.cut) return void inbound.destroy();
    const outbound = connect(made.target, "127.0.0.1");
    outbound.on("error", () => inbound.destroy()).on("close", () => inbound.destroy());
    inbound.on("close", () => outbound.destroy());
    inbound.pipe(outbound).pipe(inbound);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const made: Relay = { address: `/ip4/127.0.0.1/tcp/${port}`, target: 0, cut: false, sockets, server };
  relays.push(made);
  return made;
}

function setCut(cut: boolean): void {
  for (const each of relays) {
    each.cut = cut;
    if (cut) for (const socket of each.sockets) socket.destroy();
  }
}

test("a partition is two meshes, each with its own owners; mended, it is one again", async () => {
  for (let n = 0; n < 3; n++) {
    const front = await relay();
    const peer = await labPeer({ mesh: { announce: [front.address] } });
    front.target = Number(peer.listening?.split("/").at(-1));
    peers.push(peer);
  }
  for (const [n, peer] of peers.entries())
    for (const other of relays.filter((_, m) => m !== n)) peer.mesh.addAddress(other.address, "operator");
  for (const { mesh } of peers) mesh.dialer.tick();
  await until(() => peers.every(({ mesh }) => mesh.ringSize === 3));
  const [a, b] = peers as [LabPeer, LabPeer];
  const before = await a.store.blobs.put(Buffer.from("before"));

  setCut(true);
  await until(() => peers.every(({ mesh }) => mesh.members.length === 0));
  // Each goes on alone: nothing fails, what was owned elsewhere is a miss.
  const during = await a.store.blobs.put(Buffer.from("during"));
  expect(await b.store.blobs.get(during)).toBeUndefined();
  expect(Buffer.from((await a.store.blobs.get(during)) ?? []).toString()).toBe("during");

  setCut(false);
  await until(() => peers.every(({ mesh }) => mesh.ringSize === 3), 25_000);
  await a.store.blobs.put(Buffer.from("after"));
  for (const { store } of peers) {
    let found = await store.blobs.get(before);
    for (let times = 0; found === undefined && times < 20; times++) found = await store.blobs.get(before);
    expect(Buffer.from(found ?? []).toString()).toBe("before");
  }
});
