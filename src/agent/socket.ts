// The agent's own socket: a unix socket in a private folder, plain HTTP/1.1.
import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { ForegoneError } from "../core/errors.ts";
import { route, type Route, sendJson } from "./routes.ts";

export interface ControlSocket {
  /** Answers in flight finish, for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** 64 jobs on one machine with some connections each. */
const MAX_CONNECTIONS = 1024;

/**
 * Call only while holding the agent's lock: a socket file that is there belonged to an agent that is gone.
 * @throws ForegoneError E_STORE if the folder belongs to somebody else or others may enter it
 */
export async function listenOn(folder: string, path: string, routes: readonly Route[]): Promise<ControlSocket> {
  privateFolder(folder);
  rmSync(path, { force: true });
  const server = createServer(
    { keepAliveTimeout: 30_000, requestTimeout: 60_000, maxHeaderSize: 16_384 },
    (request, response) => {
      route(routes, request, response).then(
        (answered) => {
          if (!answered) sendJson(response, 404, { error: "no such path" });
        },
        (error: unknown) => {
          if (response.headersSent) response.destroy();
          else sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) });
        },
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Bound with mode 0600 from the first moment, also where the folder was made wider by hand later.
  const old = process.umask(0o177);
  try {
    await listening(server, path);
  } finally {
    process.umask(old);
  }
  chmodSync(path, 0o600);
  return {
    close: (graceMs) =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** In /tmp anybody could have made the folder first: it must be ours and closed to others. */
function privateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0) return;
  throw new ForegoneError("E_STORE", `${folder} is not a private folder of yours`, {
    hint: `rm -r ${folder}, or set FOREGONE_AGENT_SOCKET`,
  });
}
