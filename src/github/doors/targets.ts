// Where a request may go. The proxy reaches the API hosts, and on the socket the few hosts that gh needs beside them
// (uploads, releases, artifacts): gh sends everything through its socket. Everything else is refused by name. Pure.
import type { ApiHost } from "../engine.ts";

/** "*.x" is any name below x. */
export const DEFAULT_PASS_HOSTS: readonly string[] = [
  "github.com",
  "uploads.github.com",
  "codeload.github.com",
  "*.githubusercontent.com",
  "*.blob.core.windows.net",
];

export interface Targets {
  readonly apiHosts: readonly ApiHost[];
  readonly passHosts: readonly string[];
}

/**
 * The host that a Host header names, if it may be reached.
 * @param plainPort the port that goes without saying: 443 behind TLS and on the socket, where gh means https
 */
export function targetOf(targets: Targets, hostHeader: string | undefined): string | undefined {
  const host = hostName(hostHeader);
  if (host === undefined) return undefined;
  return isApiHost(targets, host) || isPassHost(targets, host) ? host : undefined;
}

export function isApiHost(targets: Targets, host: string): boolean {
  return targets.apiHosts.some(({ name }) => name === host);
}

function isPassHost(targets: Targets, host: string): boolean {
  return targets.passHosts.some((pattern) =>
    pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 : host === pattern,
  );
}

/** A DNS name in lower case without a default port. No address literal, no user, no other port. */
export function hostName(hostHeader: string | undefined): string | undefined {
  const match = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::(?:443|80))?$/i.exec(
    hostHeader ?? "",
  );
  const host = match?.[1]?.toLowerCase();
  return host === undefined || /^[\d.]+$/.test(host) ? undefined : host;
}
