// The broker's socket and what goes over it: a unix socket in a folder that only the runner's group may enter.
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { ForegoneError } from "../core/errors.ts";

/** sun_path holds 108 bytes on Linux, 104 on macOS, with the closing NUL. */
const MAX_PATH_BYTES = 103;

/**
 * @param gid without it only the broker's own uid may connect
 * @throws ForegoneError E_LOCKED if another broker answers there; E_UNSAFE if the folder is not ours
 */
export async function bindPrivately(server: Server, path: string, gid: number | undefined): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new ForegoneError("E_CONFIG", `the socket's path is longer than ${MAX_PATH_BYTES} bytes: ${path}`);
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0)
    throw new ForegoneError("E_UNSAFE", `${folder} is not a folder that only the broker's user can write`, {
      hint: "secrets.broker.socket: /run/foregone/broker.sock, in a folder of its own",
    });
  if (await answers(path))
    throw new ForegoneError("E_LOCKED", `another broker answers at ${path}`, { hint: "stop it first" });
  rmSync(path, { force: true });
  // Bound with mode 0600 from the first moment; opened to the group after.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } finally {
    process.umask(before);
  }
  if (gid === undefined) return;
  chownSync(path, -1, gid);
  chmodSync(path, 0o660);
  chownSync(folder, -1, gid);
  chmodSync(folder, 0o750);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** @returns undefined if it is longer than `maxBytes` */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    // What is left of a request that was too large is not read.
    ...(status === 413 && { connection: "close" }),
  });
  response.end(text);
}
