// Clients and upstreams that misbehave, over real sockets: floods, cuts, hangs, smuggling, rubbish. The proxy stays up, reaches
// no host it should not, and stores nothing of it.
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type TestProxy, testProxy } from "../../testing/github-proxy.ts";
import { targetOf } from "./targets.ts";

/** An upstream of raw HTTP. */
async function rawUpstream(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = http.createServer(answer);
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function proxyTo(origin: string, more: Parameters<typeof testProxy>[0] = {}): Promise<TestProxy> {
  return testProxy({
    ...more,
    proxy: {
      upstream: { origins: { "api.github.com": origin }, answerTimeoutMs: 300, ...more.proxy?.upstream },
      ...more.proxy,
    },
  });
}

function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Buffer; headers: http.IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers: { authorization: "token a", ...headers }, agent: false }, (response) => {
        response
          .toArray()
          .then(
            (chunks) =>
              resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), headers: response.headers }),
            reject,
          );
      })
      .on("error", reject);
  });
}

test("1 GiB of JSON passes, rewritten, in bounded memory, and is not stored", { timeout: 120_000 }, async () => {
  const piece = Buffer.from(`{"url":"https://api.github.com/repos/o/r","pad":"${"x".repeat(65_000)}"},`);
  const pieces = Math.ceil(2 ** 30 / piece.length);
  const origin = await rawUpstream((_request, response) => {
    response.writeHead(200, { "content-type": "application/json; charset=utf-8", etag: '"big"' });
    response.write("[");
    let left = pieces;
    const more = (): void => {
      while (left-- > 0) if (!response.write(piece)) return void response.once("drain", more);
      response.end("{}]");
    };
    more();
  });
  await using t = await proxyTo(origin);
  const before = process.memoryUsage().rss;
  let peak = before;
  let bytes = 0;
  let rewritten = 0;
  await new Promise<void>((resolve, reject) => {
    http
      .get(`${t.apiUrl}/repos/o/r/issues`, { agent: false }, (response) => {
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (chunk.includes(t.apiUrl)) rewritten++;
          peak = Math.max(peak, process.memoryUsage().rss);
        });
        response.on("end", resolve).on("error", reject);
      })
      .on("error", reject);
  });
  expect(bytes).toBeGreaterThan(2 ** 30 * 0.99);
  expect(rewritten).toBeGreaterThan(100);
  expect((peak - before) / 2 ** 20).toBeLessThan(250);
  expect(t.proxy.status().memory.bodies).toBe(0);
});

test("an answer that is cut off cuts the client off too, and nothing of it is stored", async () => {
  const origin = await rawUpstream((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"half":');
    setImmediate(() => response.destroy());
  });
  await using t = await proxyTo(origin);
  await expect(get(`${t.apiUrl}/repos/o/r`)).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect(t.proxy.status().memory.bodies).toBe(0);
});

test("an upstream that hangs is a 504, one that refuses a 502, one that speaks no HTTP a 502: each said in JSON", async () => {
  const hangs = await rawUpstream(() => undefined);
  const talks = net.createServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n"));
  talks.listen(0, "127.0.0.1");
  await new Promise((resolve) => talks.once("listening", resolve));
  onTestFinished(() => void talks.close());
  const port = (talks.address() as AddressInfo).port;
  for (const [origin, status] of [
    [hangs, 504],
    ["http://127.0.0.1:1", 502],
    [`http://127.0.0.1:${port}`, 502],
  ] as const) {
    await using t = await proxyTo(origin);
    const answer = await get(`${t.apiUrl}/repos/o/r`);
    expect([origin, answer.status]).toEqual([origin, status]);
    expect(JSON.parse(answer.body.toString())).toEqual({ message: expect.stringMatching(/^foregone: /) });
  }
});

test("a slow answer comes through whole, and its client leaving ends the call", async () => {
  let closed = 0;
  const origin = await rawUpstream((_request, response) => {
    response.on("close", () => closed++);
    response.writeHead(200, { "content-type": "application/json" });
    let left = 5;
    const timer = setInterval(() => (left-- > 0 ? response.write(left === 4 ? "[0" : ",1") : response.end("]")), 20);
    response.on("close", () => clearInterval(timer));
  });
  await using t = await proxyTo(origin);
  expect((await get(`${t.apiUrl}/repos/o/slow`)).body.toString()).toBe("[0,1,1,1,1]");
  expect(closed).toBe(1);
  const left = http.get(`${t.apiUrl}/repos/o/left`, { agent: false });
  left.on("error", () => undefined);
  await new Promise((resolve) => left.once("socket", (socket) => socket.once("connect", resolve)));
  setTimeout(() => left.destroy(), 30);
  await expect.poll(() => closed).toBe(2);
});

test("it listens on loopback and on a 0600 socket in a 0700 folder, and nowhere else", async () => {
  await using t = await testProxy();
  expect(statSync(t.socket).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(t.socket)).mode & 0o777).toBe(0o700);
  expect(t.apiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(t.proxy.proxy?.url).toMatch(/@127\.0\.0\.1:\d+$/);
});

/** Sends bytes, and gives what comes back until the other side closes, or is silent after it began. */
function raw(
  where: { readonly port: number } | { readonly path: string },
  bytes: Buffer | string,
  patienceMs = 5000,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = "path" in where ? net.connect(where.path) : net.connect(where.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      socket.setTimeout(50);
    });
    const done = (): void => resolve(Buffer.concat(chunks).toString("latin1"));
    socket.on("close", done).on("error", done);
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.write(bytes);
  });
}

const portOf = (url: string | undefined): number => Number(new URL(url ?? "").port);

/** Something that must not be reached: counts connections. */
async function forbidden(): Promise<{ readonly port: number; readonly reached: () => number }> {
  let count = 0;
  const server = net.createServer((socket) => {
    count++;
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, reached: () => count };
}

test("requests for other hosts, in every form, reach nothing", async () => {
  await using t = await testProxy();
  const f = await forbidden();
  const hosts = [
    `127.0.0.1:${f.port}`,
    `localhost:${f.port}`,
    "169.254.169.254",
    "evil.example",
    "api.github.com.evil.example",
    "api.github.com@evil.example",
    `api.github.com:${f.port}`,
    "",
    "[::1]",
    "API.GITHUB.COM.",
    "0x7f.1",
    "2130706433",
    "a".repeat(300),
  ];
  const own = portOf(t.apiUrl);
  const said: string[] = [];
  for (const host of hosts) {
    said.push(await raw({ path: t.socket }, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
    said.push(await raw({ port: own }, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
    said.push(await raw({ port: own }, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
    said.push(await raw({ port: portOf(t.proxy.proxy?.url) }, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  }
  for (const answer of said) expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(f.reached()).toBe(0);
  expect(t.double.log).toEqual([]);
});

test("the CONNECT door wants its password, port 443, and a place that is not this machine or its link", async () => {
  await using t = await testProxy();
  const url = new URL(t.proxy.proxy?.url ?? "");
  const auth = `Proxy-Authorization: Basic ${Buffer.from(`${url.username}:${url.password}`).toString("base64")}\r\n`;
  const connect = (to: string, more = ""): Promise<string> =>
    raw({ port: Number(url.port) }, `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n${more}\r\n`);
  expect(await connect("api.github.com:443")).toMatch(/^HTTP\/1\.1 407 /);
  expect(await connect("api.github.com:443", "Proxy-Authorization: Basic Zm9yZWdvbmU6eA==\r\n")).toMatch(
    /^HTTP\/1\.1 407 /,
  );
  expect(await connect("api.github.com:443", auth)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await connect("api.github.com:22", auth)).toMatch(/^HTTP\/1\.1 403 /);
  expect(await connect("localhost:443", auth)).toMatch(/^HTTP\/1\.1 502 /);
  expect(await connect("127.0.0.1:443", auth)).toMatch(/^HTTP\/1\.1 403 /);
  expect(await raw({ port: Number(url.port) }, `GET / HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
});

test("a web page cannot use the base-URL door, under any name it makes point here", async () => {
  await using t = await testProxy();
  t.table.set("/repos/o/r", { v: 1 });
  const port = portOf(t.apiUrl);
  for (const line of ["Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"])
    expect(await raw({ port }, `GET /repos/o/r HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${line}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 403 /,
    );
  expect(await raw({ port }, `GET /repos/o/r HTTP/1.1\r\nHost: evil.example:${port}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 403 /,
  );
  expect(t.double.log).toEqual([]);
});

test("over TCP there are no numbers, no clearing, no invalidating", async () => {
  await using t = await testProxy();
  expect((await get(`${t.apiUrl}/_foregone/status`)).status).toBe(404);
  const port = portOf(t.apiUrl);
  for (const what of ["clear", "invalidate"])
    expect(
      await raw({ port }, `POST /_foregone/${what} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 2\r\n\r\n{}`),
    ).toMatch(/^HTTP\/1\.1 404 /);
});

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: api.github.com\r\n\r\n";

test.each([
  [
    "both lengths",
    `POST /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    "two lengths",
    `POST /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n${SMUGGLED}`,
  ],
  [
    "a coding that is not one",
    `POST /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nTransfer-Encoding: xchunked\r\n\r\n${SMUGGLED}`,
  ],
  ["a folded header", `GET /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n`],
  ["a name with a blank", `GET /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nContent-Length : 5\r\n\r\n${SMUGGLED}`],
  ["a bare line feed", `GET /repos/o/r HTTP/1.1\nHost: api.github.com\nX: y\n\n`],
  ["a null in a value", "GET /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nX: a\0b\r\n\r\n"],
  ["two hosts", `GET /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nHost: evil.example\r\n\r\n`],
  ["headers beyond 16 KiB", `GET /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nX: ${"a".repeat(20_000)}\r\n\r\n`],
  ["a path beyond 16 KiB", `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: api.github.com\r\n\r\n`],
  ["another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  [
    "an upgrade",
    "GET /repos/o/r HTTP/1.1\r\nHost: api.github.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
])("%s: refused or read one way, never two", async (_name, bytes) => {
  await using t = await testProxy();
  t.table.set("/repos/o/r", { v: 1 });
  await raw({ path: t.socket }, bytes, 300);
  expect(t.double.log.map((entry) => entry.path)).not.toContain("/smuggled");
  expect(t.double.log.length).toBeLessThanOrEqual(1);
  expect((await get(`${t.apiUrl}/repos/o/r`)).status).toBe(200);
  expect(t.bugs).toEqual([]);
});

const SECONDS = process.env["FOREGONE_TEST_LONG"] === undefined ? 3 : 30;

test(
  "rubbish in every shape never takes it down, nor makes it reach another host",
  { timeout: SECONDS * 1000 + 30_000 },
  async () => {
    await using t = await testProxy();
    t.table.set("/repos/o/r", { v: 1 });
    const f = await forbidden();
    const method = fc.constantFrom(
      "GET",
      "POST",
      "HEAD",
      "PUT",
      "OPTIONS",
      "TRACE",
      "CONNECT",
      "PRI",
      "get",
      "",
      "G\0T",
    );
    const target = fc.oneof(
      fc.constantFrom(
        "/repos/o/r",
        "/",
        "*",
        "",
        "//evil/",
        `http://127.0.0.1:${f.port}/`,
        "/%00",
        "/../..",
        "/_foregone/",
        "/_foregone/clear",
        "/graphql",
        "?",
        "/repos/o/r?a b",
      ),
      fc.string({ unit: "binary", maxLength: 200 }),
    );
    const headerName = fc.constantFrom(
      "Host",
      "Authorization",
      "Accept",
      "If-None-Match",
      "Range",
      "Cookie",
      "Content-Length",
      "Transfer-Encoding",
      "Connection",
      "Expect",
      "X-HTTP-Method-Override",
      "X-GH-CACHE-TTL",
      "Cache-Control",
      "Origin",
      "Content-Encoding",
      "",
    );
    const headerValue = fc.oneof(
      fc.constantFrom(
        "api.github.com",
        `127.0.0.1:${f.port}`,
        "chunked",
        "5",
        "-1",
        "99999999999999999999",
        "*",
        '"a", W/"b"',
        "100-continue",
        "close, x",
        "gzip",
        "DELETE",
        "1m0s",
        "max-age=x",
      ),
      fc.string({ unit: "binary", maxLength: 100 }),
    );
    const message = fc.record({
      method,
      target,
      version: fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", ""),
      headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 6 }),
      host: fc.boolean(),
      body: fc.uint8Array({ maxLength: 300 }),
      eol: fc.constantFrom("\r\n", "\n", "\r"),
      noise: fc.uint8Array({ maxLength: 20 }),
    });
    const doors = [{ path: t.socket }, { port: portOf(t.apiUrl) }, { port: portOf(t.proxy.proxy?.url) }];
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 8, maxLength: 8 }), async (messages) => {
        await Promise.all(
          messages.map((m, i) => {
            const host = m.host ? `Host: api.github.com${m.eol}` : "";
            const head = `${m.method} ${m.target} ${m.version}${m.eol}${host}${m.headers.map(([n, v]) => `${n}: ${v}`).join(m.eol)}${m.eol}${m.eol}`;
            return raw(
              doors[i % doors.length] ?? { path: t.socket },
              Buffer.concat([
                Buffer.from(m.noise.length > 15 ? m.noise : []),
                Buffer.from(head, "latin1"),
                Buffer.from(m.body),
              ]),
              100,
            );
          }),
        );
        expect(t.bugs).toEqual([]);
      }),
      { interruptAfterTimeLimit: SECONDS * 1000, numRuns: 100_000 },
    );
    expect(f.reached()).toBe(0);
    expect((await get(`${t.apiUrl}/repos/o/r`)).status).toBe(200);
  },
);

test("targetOf() names only hosts that are listed", () => {
  const targets = {
    apiHosts: [{ name: "api.github.com", root: "" as const }],
    passHosts: ["github.com", "*.githubusercontent.com"],
  };
  for (const good of ["api.github.com", "API.GitHub.com:443", "github.com:80", "objects.githubusercontent.com"])
    expect(targetOf(targets, good)).toBeDefined();
  for (const bad of [
    "githubusercontent.com",
    "xgithubusercontent.com",
    "api.github.com:8443",
    "api.github.com.",
    "1.2.3.4",
    undefined,
    "a b",
  ])
    expect(targetOf(targets, bad)).toBeUndefined();
  fc.assert(
    fc.property(fc.string(), (text) => {
      const host = targetOf(targets, text);
      return (
        host === undefined ||
        host === "api.github.com" ||
        host === "github.com" ||
        host.endsWith(".githubusercontent.com")
      );
    }),
  );
});

test("a second proxy on the same socket is refused; a socket left by a killed one is taken over", async () => {
  await using t = await testProxy();
  await expect(testProxy({ proxy: { doors: { socket: t.socket } } })).rejects.toThrow(/another proxy answers/);
  const folder = mkdtempSync(join(tmpdir(), "foregone-left-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const left = join(folder, "left.sock");
  const { spawnSync } = await import("node:child_process");
  spawnSync(process.execPath, [
    "-e",
    `require("net").createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, "SIGKILL"))`,
  ]);
  expect(existsSync(left)).toBe(true);
  await using u = await testProxy({ proxy: { doors: { socket: left } } });
  expect(u.proxy.socket).toBe(left);
});
