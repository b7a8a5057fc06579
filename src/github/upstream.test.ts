// Bodies that GitHub packs, over real sockets: whatever their size and however they end, the reader gets them whole or an error.
import { randomBytes } from "node:crypto";
import { type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { collect } from "./collect.ts";
import { UpstreamError } from "./message.ts";
import { DEFAULT_UPSTREAM, undiciUpstream } from "./upstream.ts";

const MAX_BYTES = 16 * 1024 * 1024;

async function read(answer: (response: ServerResponse) => void): Promise<Buffer> {
  const server = createServer((_request, response) => {
    response.setHeader("content-encoding", "gzip");
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upstream = undiciUpstream({ ...DEFAULT_UPSTREAM, origins: { "api.github.com": origin } });
  onTestFinished(async () => {
    await upstream.close();
    server.closeAllConnections();
    server.close();
  });
  const response = await upstream.send({
    method: "GET",
    host: "api.github.com",
    path: "/",
    headers: { "accept-encoding": "gzip" },
    decode: true,
  });
  expect(response.headers["content-encoding"]).toBeUndefined();
  const collected = await collect(response, MAX_BYTES);
  if (!("whole" in collected)) throw new TypeError("larger than the bound");
  return collected.whole;
}

describe("a packed body arrives unpacked", () => {
  const bodies: readonly (readonly [string, Buffer])[] = [
    ["small", Buffer.from('{"id":1}')],
    ["of no length, packed", Buffer.alloc(0)],
    ["larger than what is unpacked at once", randomBytes(300_000)],
    ["small, and large when unpacked", Buffer.alloc(10 * 1024 * 1024, "x")],
  ];
  test.each(bodies)("%s", async (_name, body) => {
    expect((await read((response) => response.end(gzipSync(body)))).equals(body)).toBe(true);
  });
});

describe("what is not a whole packed body is an error", () => {
  const packed = gzipSync(randomBytes(2000));
  const faults: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ["not packed", (response) => response.end('{"id":1}')],
    ["packed bytes that end too early", (response) => response.end(packed.subarray(0, 1000))],
    [
      "a connection that is cut",
      (response) => {
        response.setHeader("content-length", packed.length);
        response.write(packed.subarray(0, 1000), () => response.destroy());
      },
    ],
  ];
  test.each(faults)("%s", async (_name, answer) => {
    await expect(read(answer)).rejects.toBeInstanceOf(UpstreamError);
  });
});
