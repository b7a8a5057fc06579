import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeFetch } from "../../node/fetch.ts";
import { systemClock } from "../../node/ports.ts";
import type { EpochMs } from "../../ports.ts";
import { exchange, type HttpParts, type Patience, Waiting } from "./http.ts";

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((done) => server.once("listening", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const parts = (patience: Patience): HttpParts => ({
  layer: "far",
  fetch: nodeFetch,
  clock: systemClock,
  waiting: new Waiting(systemClock, patience),
});
const PATIENT: Patience = { answerMs: 20_000, totalMs: 20_000 };
const get = (maxBytes = 1_000_000) => ({ method: "GET", maxBytes }) as const;

describe("waiting", () => {
  test("at once is waited once; what is spent is gone", () => {
    let now = 0;
    const clock = { now: () => 0 as EpochMs, monotonicMs: () => now };
    const waiting = new Waiting(clock, { answerMs: 1_500, totalMs: 2_000 });
    expect(waiting.leftMs()).toBe(1_500);
    const [first, second] = [waiting.begin(), waiting.begin()];
    now = 400;
    first();
    first();
    now = 900;
    second();
    expect(waiting.leftMs()).toBe(1_100);
    now = 5_000;
    expect(waiting.leftMs()).toBe(1_100);
    const third = waiting.begin();
    now = 6_000;
    expect(waiting.leftMs()).toBe(100);
    third();
    waiting.begin();
    now = 7_000;
    expect(waiting.leftMs()).toBe(0);
  });

  test("a layer that has used up its time is not asked", async () => {
    let asked = 0;
    const url = await serving((_, response) => void response.end(String(++asked)));
    await expect(exchange(parts({ answerMs: 0, totalMs: 0 }), url, get())).rejects.toMatchObject({ code: "timeout" });
    expect(asked).toBe(0);
  });
});

describe("one exchange", () => {
  test("gives status, headers and body; a status is no error", async () => {
    const url = await serving((_, response) => void response.writeHead(503, { "x-a": "b" }).end("body"));
    const answer = await exchange(parts(PATIENT), url, get());
    expect([answer.status, answer.headers.get("x-a"), Buffer.from(answer.body).toString()]).toEqual([503, "b", "body"]);
  });

  test("does not follow a redirect, so the token stays", async () => {
    const seen: string[] = [];
    const url = await serving((request, response) => {
      seen.push(request.url ?? "");
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    expect((await exchange(parts(PATIENT), url, get())).status).toBe(302);
    expect(seen).toEqual(["/"]);
  });

  test("takes maxBytes and not one more", async () => {
    const url = await serving((_, response) => void response.end(Buffer.alloc(1_000)));
    expect((await exchange(parts(PATIENT), url, get(1_000))).body).toHaveLength(1_000);
    await expect(exchange(parts(PATIENT), url, get(999))).rejects.toMatchObject({ code: "EFBIG" });
  });

  test("ends with a body that drips", async () => {
    let drips: NodeJS.Timeout | undefined;
    onTestFinished(() => clearInterval(drips));
    const url = await serving((_, response) => {
      response.writeHead(200);
      drips = setInterval(() => response.write("x"), 20);
    });
    const impatient = parts({ answerMs: 200, totalMs: 400 });
    await expect(exchange(impatient, url, get())).rejects.toMatchObject({ code: "timeout" });
  });

  test("names what broke", async () => {
    const url = await serving((request) => request.socket.destroy());
    await expect(exchange(parts(PATIENT), url, get())).rejects.toMatchObject({ layer: "far", code: "ECONNRESET" });
  });
});
