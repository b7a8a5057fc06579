import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import { nodeFetch } from "../node/fetch.ts";
import { proxiedFetch } from "./proxied-fetch.ts";

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((done) => server.once("listening", done));
  return (server.address() as AddressInfo).port;
}

test("goes through the proxy that the environment names, and directly where none is", async () => {
  const port = await listening(createServer((_, response) => void response.end("hello")));
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    const through = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    socket.on("error", () => through.destroy());
  });
  const proxyPort = await listening(proxy);
  expect(proxiedFetch(nodeFetch, { HTTPS_PROXY: "" })).toBe(nodeFetch);
  vi.stubEnv("http_proxy", `http://127.0.0.1:${proxyPort}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const through = proxiedFetch(nodeFetch, process.env);
  const answer = await through("http://api.example.invalid/x", {
    method: "GET",
    headers: {},
    redirect: "manual",
    signal: AbortSignal.timeout(20_000),
  });
  expect(answer.body && (await text(answer.body))).toBe("hello");
  expect(asked).toEqual(["api.example.invalid:80"]);
});
