// What an S3 store that is down, slow, wrong or full costs: a miss with a name, within a budget, and never an exception of a read.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../node/ports.ts";
import { BUDGET_MS, DEADLINE_MS, type EngineLab, engineLab, MAX_BYTES, tryAll } from "../testing/engine-lab.ts";
import { rawServer } from "../testing/raw-server.ts";
import { freePort } from "../testing/redis-server.ts";
import { type S3Server, s3Server } from "../testing/s3-server.ts";
import { digestOf, entryOf } from "../testing/store.contract.ts";
import { type S3Address, s3Bucket } from "./s3.ts";

const SECRET = "hunter2-secret";

async function labAt(address: Partial<S3Address>, deadlineMs = DEADLINE_MS): Promise<EngineLab> {
  const limits = { deadlineMs, maxBytes: MAX_BYTES, prefix: "f/", clock: systemClock };
  const full = {
    endpoint: "http://127.0.0.1:1/store",
    region: "us-east-1",
    accessKeyId: "id",
    secretAccessKey: SECRET,
  };
  const bucket = await s3Bucket("s3", { ...full, ...address }, limits);
  onTestFinished(() => bucket.close());
  return engineLab(bucket);
}

async function answering(listener: RequestListener): Promise<Partial<S3Address>> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/store` };
}

const xmlError = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>about ${SECRET}</Message></Error>`;

describe("an S3 store", () => {
  test.each([
    [403, "AccessDenied"],
    [403, "RequestTimeTooSkewed"],
    [429, "SlowDown"],
    [500, "InternalError"],
    [503, "ServiceUnavailable"],
    [507, "XMinioStorageFull"],
  ])("that answers %i %s is a miss with that name", async (status, code) => {
    const address = await answering((_request, response) => {
      response.writeHead(status, { "content-type": "application/xml" }).end(xmlError(code));
    });
    const tried = await tryAll(await labAt(address));
    expect(tried.missed).toBe(true);
    // HEAD has no body, so no word.
    for (const each of tried.codes) expect([code, String(status), "unknown"]).toContain(each);
    expect(tried.codes).toContain(code);
    expect(tried.told).not.toContain(SECRET);
  });

  const broken: readonly [name: string, code: RegExp, behave: (socket: Socket) => void][] = [
    ["that never answers", /timeout/, () => undefined],
    ["that closes at once", /UND_ERR_SOCKET|ECONNRESET/, (socket) => socket.destroy()],
    ["that is no web server", /^garbage$/, (socket) => socket.write("-ERR unknown command\r\n")],
    ["that drips its headers", /timeout/, (socket) => socket.write("HTTP/1.1 200 OK\r\nX-A: ")],
  ];
  test.each(broken)("%s is a miss", async (_name, code, behave) => {
    await using server = await rawServer(behave);
    const tried = await tryAll(await labAt({ endpoint: `http://127.0.0.1:${server.port}/store` }));
    expect(tried.missed).toBe(true);
    for (const each of tried.codes) expect(each).toMatch(code);
    expect(tried.codes).not.toEqual([]);
    expect(tried.ms).toBeLessThan(BUDGET_MS);
    expect(tried.told).not.toContain(SECRET);
  });

  test("that is not there is a miss", async () => {
    const tried = await tryAll(await labAt({ endpoint: `http://127.0.0.1:${await freePort()}/store` }));
    expect(tried).toMatchObject({ missed: true, codes: ["ECONNREFUSED"] });
    expect(tried.ms).toBeLessThan(BUDGET_MS);
  });

  test.each([
    ["stops in the middle of a value", "1000", Buffer.alloc(10), "timeout"],
    ["sends less than it announces", "1000", "cut", "UND_ERR_SOCKET"],
    ["announces more than we take", String(MAX_BYTES + 1), "never", "EFBIG"],
  ])("that %s is a miss", async (_name, length, body, code) => {
    const address = await answering((_request, response) => {
      response.writeHead(200, { "content-length": length });
      if (body === "cut") response.write("half", () => response.destroy());
      else response.write(typeof body === "string" ? "x" : body);
    });
    const { store, events } = await labAt(address);
    expect(await store.blobs.get(digestOf("x"))).toBeUndefined();
    expect(events.filter(({ type }) => type === "failed")).toMatchObject([{ operation: "get", code }]);
  });

  test("that sends more than we take, unannounced, is cut off", async () => {
    let sent = 0;
    const address = await answering((_request, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(65_536);
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on("drain", pour);
      pour();
    });
    const { store, events } = await labAt(address);
    expect(await store.blobs.get(digestOf("x"))).toBeUndefined();
    expect(events).toMatchObject([{ operation: "get", code: "EFBIG" }]);
    expect(sent).toBeLessThan(16 << 20);
  });

  test("that redirects is not followed: credentials stay with whom they are for", async () => {
    let asked = 0;
    const thief = await answering((_request, response) => {
      asked++;
      response.end();
    });
    const address = await answering((_request, response) => {
      response.writeHead(307, { location: thief.endpoint }).end();
    });
    expect((await tryAll(await labAt(address))).missed).toBe(true);
    expect(asked).toBe(0);
  });

  test.each([
    "<html>",
    "",
    "<ListBucketResult><Contents><Key>f/records/zz</Key></Contents></ListBucketResult>",
    "\0\0\0",
  ])("that lists %j has no entries", async (text) => {
    const address = await answering((_request, response) => {
      response.writeHead(200, { "content-type": "application/xml" }).end(text);
    });
    const { store } = await labAt(address);
    expect(await store.records.lookup(digestOf("x"))).toEqual([]);
  });
});

describe("a real S3 store", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await s3Server();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("refuses a wrong secret: a miss, and it is told nowhere", async () => {
    const tried = await tryAll(await labAt({ ...server.address, secretAccessKey: SECRET }, 2000));
    expect(tried.missed).toBe(true);
    expect(tried.codes).toContain("SignatureDoesNotMatch");
    expect(tried.told).not.toContain(SECRET);
  });

  test("refuses an unknown key", async () => {
    const tried = await tryAll(await labAt({ ...server.address, accessKeyId: "nobody" }, 2000));
    expect(tried.missed).toBe(true);
    expect(tried.codes).toContain("InvalidAccessKeyId");
  });

  test("without the bucket is a miss", async () => {
    const endpoint = server.address.endpoint.replace("/store", "/other");
    const tried = await tryAll(await labAt({ ...server.address, endpoint }, 2000));
    expect(tried.missed).toBe(true);
    expect(tried.codes).toContain("NoSuchBucket");
  });

  test("that is killed is a miss from then on", async () => {
    await using doomed = await s3Server();
    const lab = await labAt(doomed.address, 2000);
    const digest = await lab.store.blobs.put(Buffer.from("x"));
    await lab.store.records.append(digest, entryOf("set", "s", 1));
    expect(await lab.store.records.lookup(digest)).toHaveLength(1);
    doomed.process.kill("SIGKILL");
    expect(await lab.store.blobs.get(digest)).toBeUndefined();
    expect(await lab.store.records.lookup(digest)).toEqual([]);
  });
});
