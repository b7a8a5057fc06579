// `secrets.broker.group` as a number.
import { readFileSync } from "node:fs";
import { ForegoneError } from "../../core/errors.ts";

/** Node has no getgrnam. @throws ForegoneError E_CONFIG if there is no such group */
export function groupId(group: string): number {
  if (/^[0-9]+$/.test(group)) return Number(group);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${group}:`));
  const gid = Number(line?.split(":")[2] ?? Number.NaN);
  if (!Number.isInteger(gid))
    throw new ForegoneError("E_CONFIG", `secrets.broker.group: no group "${group}" in /etc/group`, {
      hint: "name it by number: getent group NAME",
    });
  return gid;
}
