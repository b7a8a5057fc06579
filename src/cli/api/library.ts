// The API cache for a program that uses it as a library: through the socket of a running proxy, else an engine of its own on the
// same store.
import http from "node:http";
import { configurationOf } from "../configuration.ts";
import { type ApiAnswer, type ApiRequest, type CacheMode, UpstreamError } from "../../github/message.ts";
import type { Connection, FetchOptions } from "../../octokit.ts";
import { askSocket } from "./client.ts";
import { ApiCounting } from "./counting.ts";
import { openApiProxy } from "./open.ts";
import { apiPlace } from "./place.ts";

const FLUSH_MS = 60_000;

export async function connectOwn(options: FetchOptions): Promise<Connection> {
  const given = options.env ?? process.env;
  const env = Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const context = { cwd: options.cwd ?? process.cwd(), env };
  const resolved = await configurationOf(context);
  const { config } = resolved;
  const hosts = config["api.hosts"].map((host) => host.split("/")[0] ?? host);
  const place = apiPlace(context, config);
  const socket = options.socket ?? place.socket;
  const answers =
    options.origins === undefined &&
    config["agent.enabled"] &&
    (await askSocket(socket, { method: "GET", path: "/_foregone/health" }).catch(() => undefined));
  if (answers) return { hosts, handle: throughSocket(socket) };
  const api = await openApiProxy({
    config,
    env,
    storeFolder: place.store,
    doors: {},
    origins: options.origins ?? {},
  });
  const counting = new ApiCounting(context, resolved, () => api.status().stats);
  // Nobody tells a library when it is not needed any more.
  setInterval(() => void counting.flush(), FLUSH_MS).unref();
  process.once("exit", () => void counting.flush());
  return { hosts, handle: (request) => api.engine.handle(request) };
}

function throughSocket(socket: string): (request: ApiRequest) => Promise<ApiAnswer> {
  const agent = new http.Agent({ keepAlive: true });
  return (request) =>
    new Promise((resolve, reject) => {
      const { method, path, host, body, signal } = request;
      const headers = {
        ...request.headers,
        host,
        ...(body instanceof Uint8Array && { "content-length": String(body.length) }),
      };
      const sent = http.request(
        { socketPath: socket, agent, method, path, headers, ...(signal !== undefined && { signal }) },
        (response) => {
          const mode = (response.headers["x-cache-mode"] ?? "SKIP") as CacheMode;
          const {
            "content-length": _length,
            connection: _connection,
            "keep-alive": _keep,
            "transfer-encoding": _coding,
            ...kept
          } = response.headers;
          resolve({
            status: response.statusCode ?? 0,
            headers: kept as ApiAnswer["headers"],
            body: response,
            mode,
            why: "socket",
          });
        },
      );
      sent.on("error", (error) => reject(new UpstreamError("cut", error.message, error)));
      sent.end(body instanceof Uint8Array ? body : undefined);
    });
}
