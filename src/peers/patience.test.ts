import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { digestOf } from "../testing/store.contract.ts";
import { type LabPeer, labMesh, stopAll } from "../testing/mesh-lab.ts";
import { keyHash } from "./claim.ts";
import { patience } from "./patience.ts";

const running: LabPeer[] = [];
afterEach(() => stopAll(running.splice(0)));

function stall(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const patient = (ms: number): Promise<void> => new Promise((resolve) => void patience(ms, resolve));

test("it lasts as long as it says", async () => {
  const from = performance.now();
  await patient(40);
  expect(performance.now() - from).toBeGreaterThan(38);
});

test("a stall costs a fifth of it at most, so five stalls are its end", async () => {
  const from = performance.now();
  let isOver = false;
  const over = patient(50).then(() => (isOver = true));
  for (let times = 0; times < 3; times++) {
    stall(60);
    // Timers that are due, then sockets, then immediates: once round the loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
  }
  await over;
  expect(performance.now() - from).toBeGreaterThan(3 * 60);
});

test("what had come while the loop stood still is heard first", async () => {
  const server = createServer((socket) => void socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const order: string[] = [];
  const answered = once(socket, "data").then(() => order.push("answer"));
  socket.write("?");
  const over = patient(5).then(() => order.push("over"));
  stall(50);
  await Promise.all([answered, over]);
  expect(order).toEqual(["answer", "over"]);
  socket.destroy();
  server.close();
});

test("once ended it is never over", async () => {
  let isOver = false;
  const end = patience(5, () => (isOver = true));
  stall(10);
  end();
  await patient(20);
  expect(isOver).toBe(false);
});

test("a peer is not blamed, nor passed over, for a stall of the asker", async () => {
  const peers = await labMesh(2, { budgetMs: 10 });
  running.push(...peers);
  const [name] = Array.from({ length: 100 }, (_, n) => digestOf(`blob ${n}`)).filter(
    (each) => peers[0]?.mesh.ownersOf(keyHash("api", each))[0] !== "self",
  );
  const asking = peers[0]?.api.records.lookup(name ?? digestOf("none"));
  stall(100);
  await asking;
  expect(peers[0]?.getter.counts).toMatchObject({ budgetsSpent: 0, leases: 1 });
});
