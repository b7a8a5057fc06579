// The two plain doors: a unix socket, whose clients name the host they mean, and a base URL on loopback, whose clients think
// that the proxy is the API.
import fs from "node:fs";
import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { ForegoneError } from "../../core/errors.ts";
import type { ApiHost } from "../engine.ts";
import { ADMIN, type AdminParts, answerAdmin } from "./admin.ts";
import type { Rewriting } from "./present.ts";
import { type Serving, type Target, sayNo, serve } from "./serve.ts";
import { type Targets, hostName, isApiHost, targetOf } from "./targets.ts";

export interface DoorParts extends Serving {
  readonly targets: Targets;
  readonly admin: AdminParts;
  /** Everybody behind these doors is a person at a terminal. */
  readonly interactive: boolean;
}

/** Node's own default; a token, a few cookies and a long URL are 4 KiB. */
const MAX_HEADER_BYTES = 16 * 1024;

/** A server that hands each acceptable request to `accept`. */
export function makeServer(
  parts: DoorParts,
  owner: boolean,
  accept: (request: IncomingMessage) => Target | string,
): Server {
  const server = http.createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 60_000 });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { url = "" } = request;
    if (!url.startsWith("/")) return sayNo(response, 400, "foregone: the request target must be a path", "target");
    const target = accept(request);
    if (typeof target === "string") return sayNo(response, 403, `foregone: ${target}`, "refused");
    if (!url.startsWith(ADMIN)) return serve(parts, request, response, target);
    answerAdmin(parts.admin, owner, request, response).catch(() => response.destroy());
  });
  // Half-open upgrades and broken requests end here: nothing of them goes further.
  server.on("upgrade", (_request, socket) => socket.destroy());
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
    const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  return server;
}

/** @throws ForegoneError E_LOCKED if another proxy answers there; E_USAGE if the path is too long for a socket */
export async function openSocketDoor(parts: DoorParts, path: string): Promise<Server> {
  // struct sockaddr_un holds 108 bytes with the final zero.
  if (Buffer.byteLength(path) > 107)
    throw new ForegoneError("E_USAGE", `the socket path is longer than 107 bytes: ${path}`, {
      hint: "use --socket with a shorter path",
    });
  const server = makeServer(parts, true, (request) => {
    if (request.url?.startsWith(ADMIN) === true) return { host: "", interactive: false };
    const host = targetOf(parts.targets, request.headers.host);
    if (host === undefined) return `host ${JSON.stringify(request.headers.host ?? "")} is not one this proxy reaches`;
    return { host, interactive: parts.interactive };
  });
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  refuseStrangersFolder(folder);
  await removeStale(path);
  // The mode must be right from the first moment, also in a folder that others can enter; listen() binds before it returns.
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await listening(server);
  return server;
}

export async function openBaseUrlDoor(parts: DoorParts, port: number): Promise<Server> {
  const [first] = parts.targets.apiHosts;
  if (first === undefined) throw new TypeError("openBaseUrlDoor: no API host");
  /** This door's own names, and what addresses become for who used them. */
  const here = new Map<string, Rewriting>();
  const server = makeServer(parts, false, (request) => {
    const { host, origin } = request.headers;
    // A web page in a browser on this machine: it may not ask in its user's name, nor under a name that it made point here.
    if (origin !== undefined || !fromHere(request.headers["sec-fetch-site"])) return "web pages may not use this proxy";
    const rewriting = host === undefined ? undefined : here.get(host);
    if (rewriting !== undefined) return { host: first.name, interactive: parts.interactive, rewriting };
    const named = hostName(host);
    if (named !== undefined && isApiHost(parts.targets, named)) return { host: named, interactive: parts.interactive };
    return `host ${JSON.stringify(host ?? "")} is not this proxy`;
  });
  server.listen(port, "127.0.0.1");
  await listening(server);
  const { port: own } = server.address() as AddressInfo;
  for (const name of [`127.0.0.1:${own}`, `localhost:${own}`]) here.set(name, rewritingOf(first, `http://${name}`));
  return server;
}

function rewritingOf({ name, root }: ApiHost, here: string): Rewriting {
  return { from: `https://${name}${root}`, to: `${here}${root}` };
}

function fromHere(site: string | string[] | undefined): boolean {
  return site === undefined || site === "none" || site === "same-origin";
}

/** Who may write the folder could put a socket of his own in our place, and be sent tokens. */
function refuseStrangersFolder(folder: string): void {
  const { uid, mode } = fs.statSync(folder);
  const own = process.getuid?.() ?? uid;
  const others = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
  if ((uid === own || uid === 0) && !others) return;
  throw new ForegoneError(
    "E_USAGE",
    `others may replace a socket in ${folder} (owner ${uid}, mode ${(mode & 0o7777).toString(8)})`,
    {
      hint: `chmod 700 ${folder}, or choose another --socket`,
    },
  );
}

/** A socket whose owner was killed stays as a file; one that answers belongs to somebody. */
async function removeStale(path: string): Promise<void> {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new ForegoneError("E_USAGE", `${path} is there and is not a socket`);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = net.connect(path);
    probe.once("connect", () => resolve(true)).once("error", () => resolve(false));
    probe.once("close", () => resolve(false));
    probe.on("connect", () => probe.destroy());
  });
  if (answers)
    throw new ForegoneError("E_LOCKED", `another proxy answers on ${path}`, {
      hint: "foregone api stats, or choose another --socket",
    });
  fs.rmSync(path, { force: true });
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("listening", resolve).once("error", (error: NodeJS.ErrnoException) => {
      reject(new ForegoneError("E_LOCKED", `cannot listen: ${error.message}`, { cause: error }));
    });
  });
}
