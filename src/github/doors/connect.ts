// The proxy door, opt-in: HTTPS_PROXY for clients that know neither sockets nor base URLs. It ends TLS for the API hosts with
// a leaf of its own and tunnels all else unread. A password in the proxy URL keeps other users of the machine out.
import { timingSafeEqual } from "node:crypto";
import dns from "node:dns";
import type { IncomingMessage, Server } from "node:http";
import https from "node:https";
import net, { BlockList, type AddressInfo, type Socket } from "node:net";
import type { Random } from "../../ports.ts";
import { type Leaf, makeLeaf } from "./leaf.ts";
import { type DoorParts, makeServer } from "./door.ts";
import { sayNo, serve } from "./serve.ts";
import { hostName, isApiHost } from "./targets.ts";

export interface ProxyDoor {
  readonly server: Server;
  /** With the password in it. */
  readonly url: string;
  readonly leaf: Leaf;
  close(): void;
}

/** This machine and its link: services that trust whoever can reach them, cloud metadata among them. */
const OFF_LIMITS = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
] as const)
  OFF_LIMITS.addSubnet(net, bits, "ipv4");
for (const [net, bits] of [
  ["::", 127],
  ["fe80::", 10],
  ["fd00:ec2::", 32],
] as const)
  OFF_LIMITS.addSubnet(net, bits, "ipv6");

/**
 * @param through the proxy that the environment named before ours, for tunnels
 * @param password of another such door that this one takes the place of
 */
export async function openProxyDoor(
  parts: DoorParts,
  port: number,
  nowMs: number,
  random: Random,
  through: string | undefined,
  password = Buffer.from(random.bytes(24)).toString("base64url"),
): Promise<ProxyDoor> {
  const leaf = makeLeaf(
    parts.targets.apiHosts.map(({ name }) => name),
    nowMs,
    random,
  );
  const inner = https.createServer({ key: leaf.key, cert: leaf.certificate, ALPNProtocols: ["http/1.1"] });
  inner.on("request", (request, response) => {
    const host = hostName(request.headers.host);
    if (request.url?.startsWith("/") !== true || host === undefined || !isApiHost(parts.targets, host))
      return sayNo(response, 403, "foregone: this is not the host that was connected to", "refused");
    serve(parts, request, response, { host, interactive: parts.interactive });
  });
  inner.on("tlsClientError", (_error, socket) => socket.destroy());
  inner.on("clientError", (_error, socket) => socket.destroy());
  const server = makeServer(parts, false, () => "this door only takes CONNECT");
  server.on("connect", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (!authorized(request, password))
      return end(socket, '407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="foregone"');
    const host = hostName(request.url);
    if (host === undefined || !request.url?.endsWith(":443")) return end(socket, "403 Forbidden");
    if (!isApiHost(parts.targets, host)) return tunnel(socket, head, host, through);
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (head.length > 0) socket.unshift(head);
    inner.emit("connection", socket);
  });
  server.listen(port, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  const own = (server.address() as AddressInfo).port;
  return {
    server,
    url: `http://foregone:${password}@127.0.0.1:${own}`,
    leaf,
    close() {
      inner.closeAllConnections();
      server.closeAllConnections();
      server.close();
    },
  };
}

function authorized(request: IncomingMessage, password: string): boolean {
  const given = Buffer.from(request.headers["proxy-authorization"] ?? "");
  const wanted = Buffer.from(`Basic ${Buffer.from(`foregone:${password}`).toString("base64")}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function end(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function tunnel(socket: Socket, head: Buffer, host: string, through: string | undefined): void {
  const upstream =
    through === undefined
      ? net.connect({ host, port: 443, lookup: lookupAllowed })
      : net.connect({ host: new URL(through).hostname, port: Number(new URL(through).port || 80) });
  let connected = false;
  upstream.on("error", () => (connected ? socket.destroy() : end(socket, "502 Bad Gateway")));
  socket.on("close", () => upstream.destroy());
  upstream.on("close", () => socket.end());
  upstream.once("connect", () => {
    connected = true;
    if (through === undefined) socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    // The other proxy's answer to CONNECT is the answer to ours.
    else upstream.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n${credentialsOf(through)}\r\n`);
    upstream.write(head);
    upstream.pipe(socket);
    socket.pipe(upstream);
  });
}

function credentialsOf(through: string): string {
  const { username, password } = new URL(through);
  if (username === "") return "";
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}\r\n`;
}

/** Resolved and judged at once, so that a name cannot point elsewhere in between. */
const lookupAllowed: net.LookupFunction = (hostname, options, done) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, "", 0);
    const allowed = addresses.filter(
      ({ address, family }) => !OFF_LIMITS.check(address, family === 6 ? "ipv6" : "ipv4"),
    );
    const [first] = allowed;
    if (first === undefined) return done(new Error(`${hostname} is off limits`), "", 0);
    if (options.all === true) done(null, allowed);
    else done(null, first.address, first.family);
  });
};
