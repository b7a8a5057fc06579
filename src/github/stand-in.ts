// The doors of a proxy that has died, with nothing behind them but GitHub: gh takes a socket that does not answer for an error,
// and clients that were told an address keep it. Nothing is kept here, so nothing can be stale.
import type { Server } from "node:http";
import type { Clock, Hasher, Random } from "../ports.ts";
import { openProxyDoor } from "./doors/connect.ts";
import { type DoorParts, openBaseUrlDoor, openSocketDoor } from "./doors/door.ts";
import { Presenter } from "./doors/present.ts";
import { Webhooks } from "./doors/webhook.ts";
import type { ApiHost } from "./engine.ts";
import { answered, passedHeaders } from "./pass.ts";
import type { ApiDoors } from "./proxy.ts";
import { DEFAULT_UPSTREAM, type UpstreamOptions, undiciUpstream } from "./upstream.ts";

export interface StandInOptions {
  readonly ports: { readonly clock: Clock; readonly hasher: Hasher; readonly random: Random };
  /** Of the proxy that is gone: the same addresses, the same password. */
  readonly doors: ApiDoors;
  readonly hosts: readonly ApiHost[];
  readonly passHosts: readonly string[];
  readonly upstream: Partial<UpstreamOptions>;
}

/** @throws ForegoneError if a door cannot be opened */
export async function openStandIn(options: StandInOptions): Promise<{ close(): Promise<void> }> {
  const { ports, doors, hosts, passHosts } = options;
  const upstream = undiciUpstream({ ...DEFAULT_UPSTREAM, ...options.upstream });
  const parts: DoorParts = {
    engine: {
      async handle(request) {
        const { method, host, path, body, signal } = request;
        const response = await upstream.send({
          method,
          host,
          path,
          headers: passedHeaders(request),
          decode: false,
          ...(body !== undefined && { body }),
          ...(signal !== undefined && { signal }),
        });
        return answered(response, "stand-in");
      },
    },
    presenter: new Presenter(ports.hasher),
    onBug: () => undefined,
    targets: { apiHosts: hosts, passHosts },
    admin: {
      webhooks: new Webhooks(undefined),
      status: () => ({ standIn: true }),
      doors: () => doors,
      explain: () => [],
      invalidate: () => undefined,
      clear: () => undefined,
    },
    interactive: false,
  };
  const servers: Server[] = [];
  if (doors.socket !== undefined) servers.push(await openSocketDoor(parts, doors.socket));
  if (doors.apiUrl !== undefined) servers.push(await openBaseUrlDoor(parts, Number(new URL(doors.apiUrl).port)));
  if (doors.proxy !== undefined) {
    const { port, password } = new URL(doors.proxy.url);
    // Everything is tunnelled: the key of the certificate that clients were given is gone, and GitHub's own is trusted too.
    const tunnels = { ...parts, targets: { apiHosts: [], passHosts } };
    const through = options.upstream.env?.["https_proxy"] ?? options.upstream.env?.["HTTPS_PROXY"];
    const { server } = await openProxyDoor(
      tunnels,
      Number(port),
      ports.clock.now(),
      ports.random,
      through || undefined,
      decodeURIComponent(password),
    );
    servers.push(server);
  }
  return {
    async close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      await upstream.close();
    },
  };
}
