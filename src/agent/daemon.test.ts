import { mkdirSync, readFileSync, statSync, chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { request } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ForegoneError } from "../core/errors.ts";
import { nodeHasher, systemClock } from "../node/ports.ts";
import { memoryStore } from "../store/memory.ts";
import { storeContract } from "../testing/store.contract.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { askAgent, askAgentJson } from "./client.ts";
import { type AgentStatus, type Daemon, startDaemon } from "./daemon.ts";
import { openLog } from "./log.ts";
import { type AgentPlace, agentPlace } from "./paths.ts";
import type { Service } from "./service.ts";
import { agentStore } from "./store-client.ts";
import { storeService } from "./store-service.ts";

function placeIn(folder: string): AgentPlace {
  return agentPlace({
    hasher: nodeHasher,
    runtime: folder,
    uid: process.getuid?.() ?? 0,
    store: join(folder, "store"),
    defaultStore: join(folder, "store"),
    socket: null,
  });
}

async function start(folder: string, services: readonly Service[] = []): Promise<Daemon> {
  const place = placeIn(folder);
  const log = openLog({ path: place.log, level: "debug", maxBytes: 1e6, now: () => "NOW" });
  const daemon = await startDaemon({ place, services, log, clock: systemClock, version: "1", store: "/s", stopMs: 50 });
  onTestFinished(() => daemon.stop("the test ends"));
  return daemon;
}

const fake = (name: string, more: Partial<Service> = {}): Service => ({
  name,
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  status: () => ({ state: "up" }),
  ...more,
});

test("an agent answers on a private socket and stops when asked", async () => {
  const folder = temporaryFolder();
  const daemon = await start(folder, [fake("one")]);
  const { socket } = placeIn(folder);
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "foregone")).mode & 0o777).toBe(0o700);
  const status = await askAgentJson<AgentStatus>(socket, { path: "/v1/status" });
  expect([status?.pid, status?.services]).toEqual([process.pid, { one: { state: "up" } }]);
  expect((await askAgent(socket, { method: "POST", path: "/v1/stop" }))?.status).toBe(200);
  await daemon.stopped;
  expect(await askAgent(socket, { path: "/v1/status" })).toBeUndefined();
});

test("a second agent for the same user and store is refused, one for another store is not", async () => {
  const folder = temporaryFolder();
  await start(folder);
  await expect(start(folder)).rejects.toMatchObject({ code: "E_LOCKED", exitCode: 11, hint: "foregone agent status" });
  await start(temporaryFolder());
});

test("after a stop, or a socket file left by kill -9, an agent starts again", async () => {
  const folder = temporaryFolder();
  await (await start(folder)).stop("");
  const { socket } = placeIn(folder);
  writeFileSync(socket, "left behind");
  await start(folder);
  expect((await askAgent(socket, { path: "/v1/status" }))?.status).toBe(200);
});

test("a service that cannot start is named, and the others serve", async () => {
  const folder = temporaryFolder();
  const broken = fake("broken", { start: () => Promise.reject(new Error("no such device")) });
  const daemon = await start(folder, [broken, fake("sound")]);
  expect(daemon.status().services).toEqual({
    broken: { state: "failed", detail: "no such device" },
    sound: { state: "up" },
  });
  await daemon.stop("");
  expect(readFileSync(placeIn(folder).log, "utf8")).toContain("NOW error broken failed: no such device\n");
});

test("a required service that cannot start ends the agent, and frees its lock", async () => {
  const folder = temporaryFolder();
  const error = new ForegoneError("E_PORT", "port 9464 is taken");
  const required = fake("metrics", { required: true, start: () => Promise.reject(error) });
  await expect(start(folder, [required])).rejects.toBe(error);
  await start(folder);
});

test("a service that does not stop is left behind after its time", async () => {
  const daemon = await start(temporaryFolder(), [fake("stuck", { stop: () => Promise.race([]) })]);
  await daemon.stop("");
  await daemon.stopped;
  expect(daemon.status().services["stuck"]?.state).toBe("up");
});

test("a folder that others may write to is refused", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "foregone"));
  chmodSync(join(folder, "foregone"), 0o777);
  await expect(start(folder)).rejects.toMatchObject({ code: "E_STORE" });
});

test("unknown paths, broken escapes and absolute targets are answered, not fatal", async () => {
  const folder = temporaryFolder();
  await start(folder, [storeService({ store: memoryStore(nodeHasher, 1e6), hasher: nodeHasher })]);
  const { socket } = placeIn(folder);
  for (const path of ["/", "/v1/blobs/%zz", "/v1/blobs/..%2f..%2fetc", "//evil/v1/status", "/v1/nothing?x=1"])
    expect((await askAgent(socket, { path }))?.status, path).toBe(404);
  expect((await askAgent(socket, { method: "POST", path: "/v1/missing", body: "[1]" }))?.status).toBe(400);
  expect((await askAgent(socket, { method: "POST", path: "/v1/missing", body: "{" }))?.status).toBe(400);
  expect((await askAgent(socket, { path: "/v1/status" }))?.status).toBe(200);
});

test("bytes that do not hash to their name are refused", async () => {
  const folder = temporaryFolder();
  await start(folder, [storeService({ store: memoryStore(nodeHasher, 1e6), hasher: nodeHasher })]);
  const path = `/v1/blobs/sha256:${"0".repeat(64)}`;
  expect((await askAgent(placeIn(folder).socket, { method: "POST", path, body: "x" }))?.status).toBe(400);
});

test("a client that never finishes its request does not hold up a stop", async () => {
  const folder = temporaryFolder();
  const daemon = await start(folder);
  const stuck = request({ socketPath: placeIn(folder).socket, method: "POST", path: "/v1/missing" });
  stuck.on("error", () => undefined);
  stuck.write("[");
  await askAgent(placeIn(folder).socket, { path: "/v1/status" });
  await daemon.stop("");
  await daemon.stopped;
  expect(await askAgent(placeIn(folder).socket, { path: "/v1/status" })).toBeUndefined();
});

test("no agent, a silent one and one that talks nonsense are all no answer", async () => {
  const socket = join(temporaryFolder(), "s");
  expect(await askAgent(socket, { path: "/v1/status" })).toBeUndefined();
  let reply = "";
  const server = createServer((s) => void (reply === "" ? s.resume() : s.end(reply)));
  await new Promise<void>((done) => server.listen(socket, done));
  onTestFinished(() => void server.close());
  expect(await askAgent(socket, { path: "/v1/status", deadlineMs: 50 })).toBeUndefined();
  reply = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut";
  expect(await askAgent(socket, { path: "/v1/status" })).toBeUndefined();
  reply = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{x}";
  expect(await askAgentJson(socket, { path: "/v1/status" })).toBeUndefined();
});

test("a socket path that does not fit is an error with a way out", () => {
  expect(() => placeIn(`/tmp/${"x".repeat(100)}`)).toThrow(/longer than 103 bytes/);
});

storeContract("the agent's store", async () => {
  const folder = temporaryFolder();
  await start(folder, [storeService({ store: memoryStore(nodeHasher, 1e8), hasher: nodeHasher })]);
  return agentStore(nodeHasher, placeIn(folder).socket, 2000);
});
