// From settings to a running broker. The agent uses this too, if it hosts one.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { BrokerOptions } from "../../secrets/broker.ts";
import { parseAllowPut } from "../../secrets/broker-put.ts";
import { keySetOf } from "../../secrets/jwks.ts";
import { expandPath } from "../configuration.ts";
import { accessRules, type SecretsShell, seconds } from "./context.ts";
import { groupId } from "./group-id.ts";

/** @param socket absolute; default: `secrets.broker.socket` */
export function brokerOptions(
  { config, session, checkpoints, context }: SecretsShell,
  socket: string | undefined,
  report: (line: string) => void,
): BrokerOptions {
  const rules = accessRules(config);
  const id = config["secrets.broker.id"] ?? hostname();
  const group = config["secrets.broker.group"];
  const file = config["secrets.oidc.jwks-file"];
  const issuer = config["secrets.oidc.issuer"].replace(/\/$/, "");
  return {
    session,
    socket: socket ?? expandPath(config["secrets.broker.socket"], context),
    ...(group !== null && { gid: groupId(group) }),
    token: {
      issuer,
      audience: config["secrets.oidc.audience"] ?? `foregone-secrets:${id}`,
      maxAge: seconds(config["secrets.oidc.max-age"]),
      tolerance: seconds(config["secrets.oidc.clock-tolerance"]),
    },
    fetchKeySet:
      file === null ? keySetOf(issuer) : () => Promise.resolve(readFileSync(expandPath(file, context), "utf8")),
    rules: { ...rules, runner: { ...rules.runner, id } },
    put: {
      allow: parseAllowPut(config["secrets.allow-put"]),
      maxTtl: seconds(config["secrets.max-ttl"]),
      purgeAfter: seconds(config["secrets.purge-after"]),
    },
    checkpoints,
    api: context.env["GITHUB_API_URL"] ?? "https://api.github.com",
    report,
  };
}
