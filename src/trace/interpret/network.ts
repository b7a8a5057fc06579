// Whom the run talked to. Its own processes: fine. Other machines: a Connection, for policy to judge. Anybody else on this
// machine does work that nobody sees, or answers from a state that nobody can compare: a gap.
import type { Gap } from "../../core/gap.ts";
import type { Seal, TraceEvent } from "../event.ts";
import type { Image, Images } from "./image.ts";
import { pinnedInstaller } from "./installer.ts";
import type { Connection } from "./interpreted.ts";
import { parseSocketAddress, type SocketAddress } from "./socket-address.ts";
import { toMessage } from "./text.ts";

type SocketEvent = Extract<TraceEvent, { type: "connect" | "bind" | "accept" }>;

/** Name services, like DNS: what they answer is the host's configuration. And logs, which answer nothing. */
const HARMLESS_SOCKET =
  /^(?:\/var)?\/run\/(?:nscd\/socket|systemd\/resolve\/|systemd\/userdb\/|systemd\/journal\/|sssd?\/)|^\/var\/lib\/sss\/pipes\/|^\/dev\/log$/;
const CONTAINERS = /(?:docker|dockerd|containerd|podman|buildkitd?|crio|cri-dockerd)[^/]*\.sock$/;
const DNS_PORT = 53;

interface Talk {
  readonly image: Image;
  readonly pid: number;
  readonly address: SocketAddress;
  readonly peerPid: number;
  readonly netNs: number;
  readonly localPort: number;
  readonly accepted: boolean;
}

const ENOENT = 2;

export class Network {
  readonly #talks = new Map<string, Talk>();
  /** "netNs port address" that the run bound, and "netNs port" that its sockets had when they called. */
  readonly #bound = new Set<string>();
  readonly #local = new Set<string>();
  readonly #paths = new Set<string>();
  readonly #images: Images;

  constructor(images: Images) {
    this.#images = images;
  }

  onEvent(event: SocketEvent): void {
    const netNs = event.netNs ?? 0;
    const address = parseSocketAddress(event.address) ?? { family: "other" as const, number: -1 };
    if (event.type === "bind") {
      if (address.family === "inet") this.#bound.add(`${netNs} ${address.port} ${address.address}`);
      else if (address.family === "unix") this.#paths.add(address.path);
      return;
    }
    const image = this.#images.of(event.pid);
    const localPort = event.type === "connect" ? (event.localPort ?? 0) : 0;
    if (localPort !== 0) this.#local.add(`${netNs} ${localPort}`);
    if (address.family === "harmless") return;
    const { peerPid, pid } = event;
    const accepted = event.type === "accept";
    const missing = event.type === "connect" && event.outcome === ENOENT && address.family === "unix";
    // Nothing was there to connect to: a question about a path, asked as such.
    if (missing && !address.path.startsWith("@")) return;
    // By image: a pinned installer's connections are judged apart from those of its children.
    const key = `${accepted} ${image.pid} ${image.by} ${peerPid} ${netNs} ${JSON.stringify(address)}`;
    if (!this.#talks.has(key) && this.#talks.size < MAX_TALKS)
      this.#talks.set(key, { image, pid, address, peerPid, netNs, localPort, accepted });
    else if (this.#talks.size >= MAX_TALKS) this.dropped++;
  }

  /** Distinct talks beyond MAX_TALKS: lost. */
  dropped = 0;

  /** @param own sockets of ours */
  finish(names: Seal["names"], own: readonly string[]): { readonly connections: Connection[]; readonly gaps: Gap[] } {
    const connections: Connection[] = [];
    const gaps: Gap[] = [];
    for (const talk of this.#talks.values()) {
      const { address } = talk;
      if (address.family === "inet" && !address.loopback && !talk.accepted) {
        // To port 0 nothing is ever sent: the C library asks this way which of its own addresses would be used.
        if (address.port !== 0 && address.port !== DNS_PORT) connections.push(connection(talk, address, names));
      } else {
        const gap = this.#local_(talk, own);
        if (gap !== undefined) gaps.push(gap);
      }
    }
    return { connections, gaps };
  }

  /** On this machine, or somebody who connected to the run. */
  #local_({ address, peerPid, netNs, accepted, image }: Talk, own: readonly string[]): Gap | undefined {
    if (peerPid !== 0 && this.#images.knows(peerPid)) return undefined;
    if (address.family === "unix") {
      const path = toMessage(address.path);
      if (HARMLESS_SOCKET.test(path) || own.includes(path)) return undefined;
      if (CONTAINERS.test(path)) return { kind: "opaque-service", service: path };
      if (!accepted && peerPid === 0 && this.#paths.has(address.path)) return undefined;
      return { kind: "untraced-process", argv0: path === "" ? `a peer of ${image.by}` : path };
    }
    if (address.family === "inet") {
      const port = `${netNs} ${address.port}`;
      const bound = (): boolean => reachedBy(address.address).some((each) => this.#bound.has(`${port} ${each}`));
      if (address.loopback && (this.#local.has(port) || (!accepted && bound()))) return undefined;
      if (!accepted && address.port === 0) return undefined;
      if (!accepted && address.port === DNS_PORT) return undefined;
      const name = `${address.address}:${address.port}`;
      return { kind: "untraced-process", argv0: accepted ? `a client of ${image.by}, ${name}` : name };
    }
    if (address.family === "harmless") return undefined;
    return { kind: "untraced-process", argv0: `a socket of family ${address.number}` };
  }
}

/**
 * Addresses that a socket may be bound to that answers at `destination`. `::` takes IPv4 too, unless its program asked for IPv6 alone, which
 * is not seen: another's server on the same port of IPv4 is then taken for the run's.
 */
function reachedBy(destination: string): readonly string[] {
  if (destination === "0.0.0.0") return ["127.0.0.1", "0.0.0.0", "::"];
  if (destination === "::") return ["::1", "::"];
  return destination.includes(":") ? [destination, "::"] : [destination, "0.0.0.0", "::"];
}

/** x 300 B = 3 MB. */
const MAX_TALKS = 10_000;

function connection(
  { image, pid }: Talk,
  { address, port }: Extract<SocketAddress, { family: "inet" }>,
  names: Seal["names"],
): Connection {
  // A child between fork and exec is still its parent's image, but not the installer itself.
  const installer = image.pid === pid ? pinnedInstaller(image.argv) : undefined;
  const { cwd } = image;
  const hosts = names[address] ?? [];
  return { hosts: hosts.length > 0 ? hosts : [address], address, port, by: image.by, argv: image.argv, cwd, installer };
}
