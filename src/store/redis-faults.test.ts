// What a Redis that is down, slow, wrong or full costs: a miss with a name, within a budget, and never an exception of a read.
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../node/ports.ts";
import { BUDGET_MS, DEADLINE_MS, type EngineLab, engineLab, MAX_BYTES, tryAll } from "../testing/engine-lab.ts";
import { rawServer } from "../testing/raw-server.ts";
import { freePort, redisMissing, type RedisServer, redisServer } from "../testing/redis-server.ts";
import { digestOf, entryOf } from "../testing/store.contract.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import type { RedisAddress } from "./redis-client.ts";
import { redisBucket } from "./redis.ts";

const PASSWORD = "hunter2-secret";

async function labAt(address: RedisAddress, clock = systemClock): Promise<EngineLab> {
  const limits = { deadlineMs: DEADLINE_MS, maxBytes: MAX_BYTES, keepMs: 60_000, prefix: "f/", clock };
  const bucket = await redisBucket("redis", address, limits);
  onTestFinished(() => bucket.close());
  return engineLab(bucket);
}

function at(port: number, more: Partial<RedisAddress> = {}): RedisAddress {
  return { host: "127.0.0.1", port, tls: false, username: "default", password: PASSWORD, ...more };
}

/** +OK to the first command (AUTH), then what the test says. */
function afterAuth(then: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) =>
    void socket.once("data", () => {
      socket.write("+OK\r\n");
      then(socket);
    });
}

const broken: readonly [name: string, code: RegExp, behave: (socket: Socket) => void][] = [
  ["that never answers", /^timeout$/, () => undefined],
  ["that never answers after AUTH", /^timeout$/, afterAuth(() => undefined)],
  ["that closes at once", /^(?:closed|ECONNRESET)$/, (socket) => socket.destroy()],
  ["that closes after AUTH", /^(?:closed|ECONNRESET)$/, afterAuth((socket) => socket.end())],
  ["that is a web server", /^garbage$/, (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
  [
    "that sends noise",
    /^(?:garbage|EFBIG)$/,
    (socket) => socket.write(Buffer.from(randomBytes(4096).map((b) => b | 0x80))),
  ],
  ["that begins an answer and stops", /^timeout$/, afterAuth((socket) => socket.write("$90000\r\nabc"))],
  [
    "that is still loading",
    /^LOADING$/,
    (socket) => socket.on("data", () => socket.write("-LOADING data set\r\n".repeat(8))),
  ],
];

describe("a Redis", () => {
  test.each(broken)("%s is a miss", async (_name, code, behave) => {
    await using server = await rawServer(behave);
    const tried = await tryAll(await labAt(at(server.port)));
    expect(tried.missed).toBe(true);
    expect(tried.codes.join()).toMatch(new RegExp(`^(?:(?:${code.source.slice(1, -1)}|closed),?)+$`));
    expect(tried.ms).toBeLessThan(BUDGET_MS);
    expect(tried.told).not.toContain(PASSWORD);
  });

  test("that is not there is a miss", async () => {
    const tried = await tryAll(await labAt(at(await freePort())));
    expect(tried).toMatchObject({ missed: true, codes: ["ECONNREFUSED"] });
    expect(tried.ms).toBeLessThan(BUDGET_MS);
  });

  test("that floods is cut off after what an answer may have", async () => {
    let sent = 0;
    await using server = await rawServer(
      afterAuth((socket) => {
        socket.write(`$${2 ** 30}\r\n`);
        const chunk = Buffer.alloc(65_536);
        const pour = (): void => {
          while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
        };
        socket.on("drain", pour);
        pour();
      }),
    );
    const lab = await labAt(at(server.port));
    expect(await lab.store.blobs.get(digestOf("x"))).toBeUndefined();
    expect(lab.events).toEqual([{ type: "failed", layer: "redis", operation: "get", code: "EFBIG" }]);
    // 1 MiB of a list, what the kernel buffers, and no more.
    expect(sent).toBeLessThan(16 << 20);
  });
});

describe.skipIf(redisMissing !== undefined)(`a real Redis (${redisMissing ?? "redis-server"})`, () => {
  async function started(...settings: readonly string[]): Promise<RedisServer> {
    const server = await redisServer(settings);
    onTestFinished(() => server[Symbol.asyncDispose]());
    return server;
  }
  function bare({ address }: RedisServer, more: { password?: string } = {}): Redis {
    const redis = new Redis({ port: address.port, host: address.host, ...more });
    onTestFinished(() => redis.disconnect());
    return redis;
  }

  test.each([
    ["a wrong password", { password: `${PASSWORD}-not` }, "WRONGPASS"],
    ["an unknown user", { username: "nobody" }, "WRONGPASS"],
  ])("refuses %s: a miss, and the password is told nowhere", async (_name, wrong, code) => {
    const server = await started(`requirepass ${PASSWORD}`);
    const tried = await tryAll(await labAt({ ...at(server.address.port), ...wrong }));
    expect(tried.missed).toBe(true);
    expect(tried.codes).toContain(code);
    expect(tried.told).not.toContain(PASSWORD);
  });

  test("without the password it wants is a miss", async () => {
    const server = await started(`requirepass ${PASSWORD}`);
    expect(await tryAll(await labAt(server.address))).toMatchObject({ missed: true, codes: ["NOAUTH"] });
  });

  test("that may only be read serves, and refuses writes", async () => {
    const main = await started();
    const lab = await labAt(main.address);
    const digest = await lab.store.blobs.put(Buffer.from("x"));
    const admin = bare(main);
    await admin.call("ACL", "SETUSER", "reader", "on", `>${PASSWORD}`, "~*", "+@read");
    const reader = await labAt(at(main.address.port, { username: "reader" }));
    for (let i = 0; i < 4; i++)
      await expect(reader.store.blobs.put(Buffer.from("y"))).rejects.toMatchObject({ layer: "redis" });
    expect(await reader.store.blobs.get(digest)).toEqual(Buffer.from("x"));
    expect(await reader.store.blobs.findMissing([digest])).toEqual([]);
    expect(await reader.store.records.lookup(digest)).toEqual([]);
    await expect(reader.store.records.append(digest, entryOf("set", "s", 1))).rejects.toMatchObject({ code: "off" });
  });

  test("that is a replica refuses writes with READONLY", async () => {
    const server = await started("replicaof 127.0.0.1 1");
    const { store } = await labAt(server.address);
    await expect(store.blobs.put(Buffer.from("x"))).rejects.toMatchObject({ code: "READONLY" });
    await expect(store.records.append(digestOf("a"), entryOf("set", "s", 1))).rejects.toMatchObject({
      code: "READONLY",
    });
  });

  test("that is full refuses with OOM and still serves", async () => {
    const server = await started("maxmemory-policy noeviction");
    const { store } = await labAt(server.address);
    const digest = await store.blobs.put(Buffer.from("x"));
    await bare(server).config("SET", "maxmemory", "1");
    await expect(store.blobs.put(Buffer.from("y"))).rejects.toMatchObject({ code: "OOM" });
    await expect(store.records.append(digest, entryOf("set", "s", 1))).rejects.toMatchObject({ code: "OOM" });
    expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
  });

  test("that evicts a blob under its record answers with a miss", async () => {
    const server = await started();
    const { store, events } = await labAt(server.address);
    const digest = await store.blobs.put(Buffer.from("x"));
    await store.records.append(digest, entryOf("set", "s", 1));
    const redis = bare(server);
    await redis.del(...(await redis.keys("f/blobs/*")));
    expect(await store.records.lookup(digest)).toHaveLength(1);
    expect(await store.blobs.findMissing([digest])).toEqual([digest]);
    expect(await store.blobs.get(digest)).toBeUndefined();
    expect(events).toEqual([]);
  });

  test("with values cut, swapped, of another type or too long answers with misses", async () => {
    const server = await started();
    const { store, events } = await labAt(server.address);
    const digest = await store.blobs.put(Buffer.from("the value"));
    const redis = bare(server);
    const [key = ""] = await redis.keys("f/blobs/*");
    const whole = (await redis.getBuffer(key)) ?? Buffer.alloc(0);
    for (const wrong of [
      whole.subarray(0, -1),
      whole.subarray(0, 3),
      Buffer.from("noise"),
      Buffer.alloc(MAX_BYTES + 1),
    ]) {
      await redis.set(key, wrong);
      expect(await store.blobs.get(digest)).toBeUndefined();
    }
    await redis.del(key);
    await redis.hset(key, "a", "b");
    expect(await store.blobs.get(digest)).toBeUndefined();
    const told = events.map((event) => (event.type === "failed" ? event.code : event.type));
    expect(told).toEqual(["bad-bytes", "bad-bytes", "bad-bytes", "EFBIG", "WRONGTYPE"]);
  });

  test("that is killed in the middle is a miss from then on", async () => {
    const server = await started();
    const lab = await labAt(server.address);
    await lab.store.blobs.put(Buffer.from("x"));
    const asked = Array.from({ length: 20 }, () => lab.store.blobs.get(digestOf("x")));
    server.process.kill("SIGKILL");
    for (const answer of await Promise.all(asked))
      expect([undefined, "x"]).toContain(answer && Buffer.from(answer).toString());
    const tried = await tryAll(lab);
    expect(tried.missed).toBe(true);
    expect(tried.ms).toBeLessThan(BUDGET_MS);
  });

  test("that closed an idle connection, or forgot it, gets a new one", async () => {
    const server = await started();
    const time = new VirtualTime();
    const { store, events } = await labAt(server.address, time.clock);
    const digest = await store.blobs.put(Buffer.from("x"));
    const admin = bare(server);
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    // The close is on its way, and nothing tells when it has come: a failure here is a miss as any other.
    await store.blobs.get(digest);
    expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
    const connections = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await admin.info())?.[1]);
    const before = await connections();
    time.pass(29_000);
    await store.blobs.get(digest);
    expect(await connections()).toBe(before);
    time.pass(31_000);
    expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
    expect(await connections()).toBe(before + 1);
    expect(events.filter(({ type }) => type === "failed").length).toBeLessThanOrEqual(1);
  });

  test("that was stopped (SIGSTOP) costs one deadline", async () => {
    const server = await started();
    const lab = await labAt(server.address);
    await lab.store.blobs.put(Buffer.from("x"));
    server.process.kill("SIGSTOP");
    const tried = await tryAll(lab);
    server.process.kill("SIGCONT");
    expect(tried).toMatchObject({ missed: true, codes: ["timeout"] });
    expect(tried.ms).toBeLessThan(BUDGET_MS);
  });
});
