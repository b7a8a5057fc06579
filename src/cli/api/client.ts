// Talks to a running proxy through its socket. Before a token is sent to a socket it must be this user's own: in /tmp anybody
// could have put one there.
import fs from "node:fs";
import http from "node:http";
import { ForegoneError } from "../../core/errors.ts";

export interface SocketAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A local proxy answers at once or is not there. */
const ADMIN_TIMEOUT_MS = 2000;

/** @returns undefined if no proxy of this user answers there */
export async function askSocket(
  socket: string,
  request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly timeoutMs?: number;
  },
): Promise<SocketAnswer | undefined> {
  if (!isOurs(socket)) return undefined;
  return new Promise((resolve, reject) => {
    const { method, path, body } = request;
    const headers = {
      host: "foregone",
      ...request.headers,
      ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
    };
    const sent = http.request({ socketPath: socket, method, path, headers, agent: false }, (response) => {
      response
        .toArray()
        .then(
          (chunks) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
          reject,
        );
    });
    sent.setTimeout(request.timeoutMs ?? ADMIN_TIMEOUT_MS, () =>
      sent.destroy(new ForegoneError("E_NOT_FOUND", `${socket} does not answer`)),
    );
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(undefined);
      else reject(error);
    });
    sent.end(body);
  });
}

/** @throws ForegoneError E_NOT_FOUND if no proxy runs */
export async function askRunning(socket: string, method: string, path: string, value?: unknown): Promise<unknown> {
  const body = value === undefined ? {} : { body: JSON.stringify(value) };
  const answer = await askSocket(socket, { method, path: `/_foregone/${path}`, ...body });
  if (answer === undefined)
    throw new ForegoneError("E_NOT_FOUND", `no API proxy answers on ${socket}`, { hint: "foregone api serve" });
  const said = JSON.parse(answer.body.toString()) as unknown;
  if (answer.status !== 200)
    throw new ForegoneError("E_USAGE", `the proxy refused: ${(said as { message?: string }).message ?? answer.status}`);
  return said;
}

function isOurs(socket: string): boolean {
  const stat = fs.lstatSync(socket, { throwIfNoEntry: false });
  return stat !== undefined && stat.isSocket() && (process.getuid === undefined || stat.uid === process.getuid());
}
