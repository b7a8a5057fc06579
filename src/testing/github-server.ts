// The double as a server on loopback, and as an upstream without sockets.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import type { ResponseHeaders, Upstream } from "../github/message.ts";
import type { GitHubSemantics } from "./github-semantics.ts";

export interface DoubleServer {
  readonly origin: string;
  readonly server: Server;
  close(): Promise<void>;
}

export async function serveDouble(double: Pick<GitHubSemantics, "handle">): Promise<DoubleServer> {
  const server = createServer((request, response) => {
    answer(double, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  double: Pick<GitHubSemantics, "handle">,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = Buffer.concat(await request.toArray());
  const { method = "GET", url = "/" } = request;
  const made = await double.handle({ method, path: url, headers: request.headers as Record<string, string>, body });
  const length = made.body.length > 0 ? { "content-length": made.body.length } : {};
  response.writeHead(made.status, { ...made.headers, ...length });
  response.end(made.body);
}

export function doubleUpstream(double: Pick<GitHubSemantics, "handle">): Upstream {
  return {
    async send(request) {
      const body =
        request.body instanceof Readable ? Buffer.concat(await request.body.toArray()) : (request.body ?? []);
      const answer = await double.handle({ ...request, body: Buffer.from(body) });
      const headers: ResponseHeaders = { ...answer.headers };
      let bytes = answer.body;
      if (request.decode && headers["content-encoding"] === "gzip") {
        delete headers["content-encoding"];
        if (bytes.length > 0) bytes = gunzipSync(bytes);
      }
      return { status: answer.status, headers, body: Readable.from([bytes], { objectMode: false }) };
    },
  };
}
