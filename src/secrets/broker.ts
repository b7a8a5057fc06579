// The broker: a unix socket behind which the store is opened for jobs that prove who they are. Runs under a uid of its own, so
// that a job can reach nothing of it but this socket. The agent hosts it by `startBroker`; it needs nothing of the agent.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { DEADLINE_MS, MAX_BODY_BYTES, MAX_CONNECTIONS } from "./broker-protocol.ts";
import { BrokerService, type BrokerStatus, type ServiceOptions } from "./broker-service.ts";
import { bindPrivately, readBody, sendJson } from "./broker-socket.ts";

export interface BrokerOptions extends ServiceOptions {
  /** Absolute path of the socket, in a folder of its own. */
  readonly socket: string;
  /** Group that may use the socket, by number; its folder becomes 0750. */
  readonly gid?: number;
  /** After each request. */
  readonly onServed?: (status: BrokerStatus) => void;
}

export interface Broker {
  readonly socket: string;
  status(): BrokerStatus;
  /** Answers in flight are finished. */
  close(): Promise<void>;
}

/** @throws ForegoneError if the store, its key or the socket cannot be used: a broker without them would deny everything */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const service = await BrokerService.start(options);
  const server = createServer(
    { requestTimeout: DEADLINE_MS, headersTimeout: DEADLINE_MS, keepAliveTimeout: 5000, maxHeaderSize: 8192 },
    (request, response) =>
      void answer(service, request, response, options.report).then(() => options.onServed?.(service.status())),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await bindPrivately(server, options.socket, options.gid);
  const minute = setInterval(() => void service.sumUp(), 60_000).unref();
  return {
    socket: options.socket,
    status: () => service.status(),
    async close() {
      clearInterval(minute);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      await service.sumUp();
    },
  };
}

async function answer(
  service: BrokerService,
  request: IncomingMessage,
  response: ServerResponse,
  report: BrokerOptions["report"],
): Promise<void> {
  const route = `${request.method} ${request.url}`;
  try {
    if (route === "GET /v1/health") return sendJson(response, 200, service.health());
    const serve =
      route === "POST /v1/resolve"
        ? (text: string) => service.resolve(text)
        : route === "POST /v1/put"
          ? (text: string) => service.put(text)
          : undefined;
    if (serve === undefined) return sendJson(response, 404, { error: "no such path" });
    const text = await readBody(request, MAX_BODY_BYTES);
    if (text === undefined) return sendJson(response, 413, { error: `a body has at most ${MAX_BODY_BYTES} bytes` });
    const reply = await serve(text);
    sendJson(response, reply === undefined ? 400 : 200, reply ?? { error: "not a request of version 1" });
  } catch (error) {
    report?.(`request failed: ${error instanceof Error ? error.message : String(error)}`);
    if (response.headersSent) response.destroy();
    else sendJson(response, 500, { error: "unavailable" });
  }
}
