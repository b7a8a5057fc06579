// Connections and listeners: addresses out of the stopped process, and whether the peer inside this machine is ours.
import type { Bytes } from "../event.ts";
import type { Asked, CallOf } from "./asked.ts";
import type { LookerParts } from "./looker.ts";
import { AF, Peers } from "./peers.ts";
import type { Process } from "./processes.ts";

/** sizeof(struct sockaddr_storage). */
const MAX_ADDRESS = 128;
const MAX_MESSAGES = 64;
const ENOENT = 2;
const ROOT = "/" as Bytes;

type SocketCall = CallOf<"connect" | "bind" | "listen" | "accept" | "send-message" | "receive-message">;

export class ConnectionLooker {
  readonly #parts: LookerParts;
  readonly #peers: Peers;

  constructor(parts: LookerParts) {
    this.#parts = parts;
    this.#peers = new Peers(parts.world, parts.processes);
  }

  /** @throws Unread */
  look(asked: Asked, by: Process, call: SocketCall): void {
    switch (call.kind) {
      case "connect":
        return this.#connect(asked, by, this.#address(asked, asked.wide[call.address], asked.int[call.length]));
      case "bind":
        return this.#bind(asked, by, this.#address(asked, asked.wide[call.address], asked.int[call.length]));
      case "listen":
        return this.#listen(by, asked.int[0] ?? -1);
      case "send-message":
        for (const address of this.#messages(asked, call)) this.#connect(asked, by, address);
        return;
      case "accept":
      case "receive-message":
        return;
      default:
        return call satisfies never;
    }
  }

  #connect(asked: Asked, by: Process, address: Uint8Array | undefined): void {
    if (address === undefined || address.length < 2) return;
    const path = unixName(address);
    const text = Buffer.from(address).toString("latin1");
    if (path === undefined) {
      this.#parts.see(`n${by.pid}\0${text}`, { type: "connect", address, peerPid: 0, outcome: undefined });
      const port = loopbackPort(address);
      // Nobody said it was bound: the call that binds is seen before it has succeeded, and a client gets its port by sending.
      if (port !== undefined && port !== 53 && this.#peers.ownsNewUdpPort(asked.tid, port, text))
        this.#parts.see(undefined, { type: "bind", address });
      return;
    }
    if (path === "") return;
    const absolute = this.#absolute(asked, path);
    const missing = absolute.startsWith("/") && !by.foreign && this.#parts.world.statx(absolute, false) === undefined;
    const peerPid = missing ? 0 : this.#peers.unix(asked.tid, path, absolute);
    const outcome = missing ? ENOENT : undefined;
    this.#parts.see(`u${by.pid}\0${peerPid}\0${outcome}\0${absolute}`, { type: "connect", address, peerPid, outcome });
  }

  #bind(asked: Asked, by: Process, address: Uint8Array | undefined): void {
    if (address === undefined || address.length < 2) return;
    const path = unixName(address);
    // Whether it will succeed is not known yet: an internet address counts when its socket listens, or is found to be the run's.
    if (path === undefined) return;
    if (path !== "" && !path.startsWith("@")) {
      const absolute = this.#absolute(asked, path);
      const ref = { string: absolute as Bytes, base: undefined, baseAbsolute: ROOT };
      const existed = by.foreign ? {} : { existed: this.#parts.world.statx(absolute, true) !== undefined };
      this.#peers.bound(path as Bytes, absolute);
      this.#parts.see(undefined, {
        type: "change",
        op: "mknod",
        path: ref,
        noFollow: true,
        outcome: undefined,
        ...existed,
      });
    }
    this.#parts.see(undefined, { type: "bind", address });
  }

  /** The kernel has chosen a port by now if it was left to it. */
  #listen(by: Process, fd: number): void {
    const address = this.#parts.world.socketName(by.pid, fd);
    if (address === undefined || unixName(address) !== undefined) return;
    this.#parts.see(undefined, { type: "bind", address });
  }

  #address(asked: Asked, at: number | undefined, length: number | undefined): Uint8Array | undefined {
    if (at === undefined || at === 0 || length === undefined || length <= 0) return undefined;
    return new Uint8Array(this.#parts.memory.bytes(asked.tid, at, Math.min(length, MAX_ADDRESS)));
  }

  *#messages(asked: Asked, call: CallOf<"send-message">): Iterable<Uint8Array> {
    const { memory } = this.#parts;
    // sizeof(struct mmsghdr); msg_name and msg_namelen come first in it.
    const step = asked.narrow ? 32 : 64;
    const count = call.vector ? (asked.int[call.message + 1] ?? 0) : 1;
    if (count > MAX_MESSAGES) this.#parts.count("fault");
    for (let i = 0; i < Math.min(count, MAX_MESSAGES); i++) {
      const head = memory.bytes(asked.tid, (asked.wide[call.message] ?? 0) + i * step, 12);
      const at = head.readUInt32LE(0) + (asked.narrow ? 0 : head.readUInt32LE(4) * 2 ** 32);
      const address = this.#address(asked, at, head.readInt32LE(asked.narrow ? 4 : 8));
      if (address !== undefined) yield address;
    }
  }

  #absolute(asked: Asked, path: string): string {
    if (path.startsWith("/") || path.startsWith("@")) return path;
    const base = this.#parts.world.readlink(`/proc/${asked.tid}/cwd`) ?? "";
    return `${base}/${path.replace(/^(?:\.\/+)+/, "")}`;
  }
}

const family = (address: Uint8Array): number => (address[0] ?? 0) | ((address[1] ?? 0) << 8);

/** @returns "@name" for an abstract one, "" for an unnamed one, undefined if it is no AF_UNIX address */
function unixName(address: Uint8Array): string | undefined {
  if (family(address) !== AF.unix) return undefined;
  const name = Buffer.from(address.subarray(2)).toString("latin1");
  // /proc/net/unix shows the NULs of an abstract name as "@".
  if (name.startsWith("\0")) return name.replaceAll("\0", "@");
  const end = name.indexOf("\0");
  return end < 0 ? name : name.slice(0, end);
}

function portOf(address: Uint8Array): number | undefined {
  if (family(address) !== AF.inet && family(address) !== AF.inet6) return undefined;
  return ((address[2] ?? 0) << 8) | (address[3] ?? 0);
}

function loopbackPort(address: Uint8Array): number | undefined {
  const bytes = Buffer.from(address);
  if (bytes.length < 8) return undefined;
  if (family(address) === AF.inet) return bytes[4] === 127 || bytes.readUInt32BE(4) === 0 ? portOf(address) : undefined;
  if (family(address) !== AF.inet6 || bytes.length < 24) return undefined;
  const ip = bytes.subarray(8, 24).toString("hex");
  return /^(?:0{31}[01]|0{20}ffff7f)/.test(ip) ? portOf(address) : undefined;
}
