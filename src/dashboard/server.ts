// The loopback port of metrics and dashboard, as a service of the agent or on its own for `foregone dashboard`.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { EXIT, ForegoneError } from "../core/errors.ts";
import { route, type Route, send, sendJson } from "../agent/routes.ts";
import type { Service } from "../agent/service.ts";
import { refusal, SECURITY_HEADERS } from "./guard.ts";

export interface WebOptions {
  readonly name: string;
  /** 0: any free one. */
  readonly port: number;
  readonly token: string;
  /** Answered without the token: no data in them, or only sums. Exact paths. */
  readonly open: readonly Route[];
  /** Answered with the token only. */
  readonly closed: readonly Route[];
}

export interface WebService extends Service {
  /** After `start`. */
  address(): string;
}

export function webService(options: WebOptions): WebService {
  let server: Server | undefined;
  let port = 0;
  const address = (): string => `http://127.0.0.1:${port}`;
  return {
    name: options.name,
    required: true,
    address,
    status: () => (server === undefined ? { state: "off" } : { state: "up", detail: address() }),
    async start() {
      server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (request, response) => {
        for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
        const answer = async (): Promise<void> => {
          const path = request.url?.split("?")[0] ?? "";
          const isOpen = options.open.some((r) => r.path === path);
          const refused = refusal({ port, token: options.token }, request, isOpen);
          if (refused !== undefined) send(response, refused.status, "text/plain", `${refused.why}\n`);
          else if (!(await route(isOpen ? options.open : options.closed, request, response)))
            send(response, 404, "text/plain", "no such path\n");
        };
        answer().catch((error: unknown) => {
          if (response.headersSent) response.destroy();
          else sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) });
        });
      });
      server.maxConnections = 256;
      await listening(server, options.port);
      port = (server.address() as AddressInfo).port;
    },
    stop() {
      const closing = server;
      server = undefined;
      return new Promise((resolve) => {
        if (closing === undefined) return resolve();
        closing.close(() => resolve());
        // Live pages hold a stream each; they connect again.
        closing.closeAllConnections();
      });
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE" || error.code === "EACCES"
          ? new ForegoneError("E_PORT", `port ${port} of 127.0.0.1 is taken or not allowed (${error.code})`, {
              exitCode: EXIT.locked,
              hint: "agent.port: 0 takes a free one (FOREGONE_AGENT_PORT=0)",
              cause: error,
            })
          : error,
      ),
    );
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve());
  });
}
