// The machine's part of the weak fingerprint: what a command can ask of the system without opening a file.
import type { Files } from "../ports.ts";
import { Unreadable } from "../ports.ts";

/** Facts that only the process itself can tell; from `node:os` and `process` in the wiring. */
export interface MachineFacts {
  readonly os: string;
  readonly arch: string;
  readonly kernel: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly uid: number;
}

/**
 * @param workspaceRoot part of the fingerprint, since absolute paths end up in outputs; `ignore: [workspace.root]` leaves it out
 */
export function platformOf(
  facts: MachineFacts,
  env: Readonly<Record<string, string>>,
  files: Files,
  workspaceRoot: string | undefined,
): Record<string, string> {
  const platform: Record<string, string> = {
    os: facts.os,
    arch: facts.arch,
    cores: String(facts.cores),
    memory: String(facts.memoryGiB),
    uid: String(facts.uid),
    umask: /^Umask:\t(\d+)/m.exec(text(files, "/proc/self/status"))?.[1] ?? "",
    limits: limits(text(files, "/proc/self/limits")),
  };
  // Hosted images are named; a self-hosted machine is told by its system and kernel.
  if (env["ImageOS"] !== undefined) {
    platform["image"] = `${env["ImageOS"]} ${env["ImageVersion"] ?? ""}`;
  } else {
    platform["kernel"] = facts.kernel;
    platform["release"] = text(files, "/etc/os-release");
  }
  const zone = files.readlink("/etc/localtime");
  if (typeof zone === "string") platform["zone"] = zone;
  if (workspaceRoot !== undefined) platform["workspace"] = workspaceRoot;
  return platform;
}

/** Soft limits that programs can notice. Pending signals and processes follow from the machine's memory and mean nothing. */
function limits(table: string): string {
  return table
    .split("\n")
    .slice(1)
    .filter((line) => line !== "" && !/^Max (?:pending signals|processes)/.test(line))
    .map((line) => line.slice(26, 47).trim())
    .join(" ");
}

function text(files: Files, path: string): string {
  const bytes = files.read(path);
  return bytes === undefined || bytes instanceof Unreadable ? "" : Buffer.from(bytes).toString("latin1");
}
