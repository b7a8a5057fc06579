// Which addresses are dialled. An address comes from others and is a hint: it must not make us connect to what is not a peer.
import { BlockList, isIP } from "node:net";

export interface DialAddress {
  readonly ip: string;
  readonly port: number;
  /** Without `/p2p/...`. */
  readonly text: string;
}

const SHAPE = /^\/ip([46])\/([0-9a-fA-F.:]{2,45})\/tcp\/(\d{1,5})(?:\/p2p\/[1-9A-HJ-NP-Za-km-z]{20,80})?$/;

const never = new BlockList();
never.addSubnet("0.0.0.0", 8);
never.addSubnet("169.254.0.0", 16);
never.addSubnet("224.0.0.0", 3);
never.addAddress("::", "ipv6");
never.addSubnet("fe80::", 10, "ipv6");
never.addSubnet("ff00::", 8, "ipv6");
const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");
const private_ = new BlockList();
for (const [net, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
] as const)
  private_.addSubnet(net, bits);
private_.addSubnet("fc00::", 7, "ipv6");

/** @returns undefined for names, other transports, ports below 1024, link-local, multicast and unspecified addresses */
export function parseAddress(text: string): DialAddress | undefined {
  const [, version, ip = "", portText] = SHAPE.exec(text) ?? [];
  const port = Number(portText);
  if (version === undefined || isIP(ip) !== Number(version) || port < 1024 || port > 65_535) return undefined;
  // An IPv4 address in IPv6 clothes would pass the lists below.
  if (version === "6" && /^::ffff:/i.test(ip)) return undefined;
  if (never.check(ip, family(ip))) return undefined;
  return { ip, port, text: `/ip${version}/${ip}/tcp/${port}` };
}

export function isLoopback(ip: string): boolean {
  return loopback.check(ip, family(ip));
}

export function isPrivate(ip: string): boolean {
  return private_.check(ip, family(ip));
}

function family(ip: string): "ipv4" | "ipv6" {
  return ip.includes(":") ? "ipv6" : "ipv4";
}
