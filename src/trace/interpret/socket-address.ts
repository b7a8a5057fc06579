// sockaddr bytes (socket(7), unix(7), ip(7), ipv6(7)) as something to talk about. Little-endian family, network-order port.

export type SocketAddress =
  | {
      readonly family: "unix";
      /** As bytes; an abstract name begins with "@". Empty: unnamed. */ readonly path: string;
    }
  | { readonly family: "inet"; readonly address: string; readonly port: number; readonly loopback: boolean }
  /** Reaches the kernel only, or takes a connection back. */
  | { readonly family: "harmless" }
  | { readonly family: "other"; readonly number: number };

const AF_UNSPEC = 0;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_ALG = 38;

/** @returns undefined if the bytes are too few for what they claim to be */
export function parseSocketAddress(bytes: Uint8Array): SocketAddress | undefined {
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (b.length < 2) return undefined;
  const family = b.readUInt16LE(0);
  switch (family) {
    case AF_UNSPEC:
    case AF_NETLINK:
    case AF_ALG:
      return { family: "harmless" };
    case AF_UNIX: {
      const path = b.toString("latin1", 2);
      if (path.startsWith("\0")) return { family: "unix", path: `@${path.slice(1)}` };
      return { family: "unix", path: path.split("\0", 1)[0] ?? "" };
    }
    case AF_INET:
      return b.length < 8 ? undefined : inet4(b.subarray(4, 8), b.readUInt16BE(2));
    case AF_INET6:
      return b.length < 24 ? undefined : inet6(b.subarray(8, 24), b.readUInt16BE(2));
    default:
      return { family: "other", number: family };
  }
}

function inet4(bytes: Uint8Array, port: number): SocketAddress {
  const address = bytes.join(".");
  // 0.0.0.0 as a destination is this host (RFC 1122, 3.2.1.3, and what Linux does).
  return { family: "inet", address, port, loopback: bytes[0] === 127 || address === "0.0.0.0" };
}

function inet6(bytes: Buffer, port: number): SocketAddress {
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return inet4(bytes.subarray(12), port);
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  const loopback = bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 2) <= 1;
  return { family: "inet", address: compressed(groups), port, loopback };
}

/** RFC 5952: the first longest run of two or more zero groups becomes "::". */
function compressed(groups: readonly string[]): string {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === "0") end++;
    if (end - i > best.length) best = { start: i, length: end - i };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}
