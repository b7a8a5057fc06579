// How values reach later steps, by mode. Called after all of them are masked.
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { existsSync } from "node:fs";
import { CREDENTIAL_TAGS, credentialTags, type TaggedVariable } from "../core/credential-tags.ts";
import { ForegoneError } from "../core/errors.ts";
import { nodeHasher } from "../node/ports.ts";
import type { InjectInputs } from "./inject-inputs.ts";
import type { Gathered } from "./inject-main.ts";
import type { Host } from "./host.ts";

/** State of the main step for the post step: folders to remove. */
export const FOLDERS_STATE = "foregone-folders";
const PREFIX = "foregone-credentials-";

export function deliver(host: Host, inputs: InjectInputs, { values, tags }: Gathered): void {
  removeLeftovers(host.env);
  switch (inputs.mode) {
    case "output":
      for (const [name, value] of values) host.output(name, value);
      return;
    case "env": {
      if (values.size === 0) return;
      for (const [name, value] of values) host.variable(name, value);
      const given = [...values].map(([name, value]): TaggedVariable => {
        const tag = tags.get(name);
        return { name, value, ...(tag !== undefined && { tag }) };
      });
      host.variable(CREDENTIAL_TAGS, credentialTags(host.env, given, nodeHasher));
      return;
    }
    case "file": {
      if (values.size === 0) return;
      const folder = privateFolder(host);
      for (const [name, value] of values) {
        const path = join(folder, name);
        writeFileSync(path, value, { mode: 0o600, flag: "wx" });
        host.output(`${name}_FILE`, path);
      }
      return;
    }
    case "exec":
      host.path(programFolder(host, inputs));
      return;
    default:
      inputs.mode satisfies never;
  }
}

/** 0700, in RUNNER_TEMP; named after the runner's process, so that the next one knows whether it is still needed. */
function privateFolder(host: Host): string {
  const temp = host.env["RUNNER_TEMP"];
  if (temp === undefined || temp === "") throw new ForegoneError("E_STORE", "RUNNER_TEMP is not set");
  const folder = join(temp, `${PREFIX}${process.ppid}-${randomBytes(8).toString("hex")}`);
  mkdirSync(folder, { mode: 0o700 });
  chmodSync(folder, 0o700);
  host.saveState(FOLDERS_STATE, folder);
  return folder;
}

/** A `foregone` that knows `secrets`; for anything else it steps aside for the one that was on the PATH before. */
function programFolder(host: Host, inputs: InjectInputs): string {
  const folder = privateFolder(host);
  const entry = fileURLToPath(new URL("./inject-credentials-cli.js", import.meta.url));
  const other = (host.env["PATH"] ?? "")
    .split(delimiter)
    .find((path) => path !== "" && existsSync(join(path, "foregone")));
  const settings = [
    ...(inputs.socket === undefined ? [] : [["FOREGONE_SECRETS_BROKER_SOCKET", inputs.socket]]),
    ...(inputs.audience === undefined ? [] : [["FOREGONE_SECRETS_OIDC_AUDIENCE", inputs.audience]]),
  ].map(([name = "", value = ""]) => `: "\${${name}:=${doubleQuoted(value)}}"; export ${name}\n`);
  const rest =
    other === undefined
      ? `echo "foregone: error E_USAGE: only \\\`foregone secrets\\\` is here" >&2\nexit 125\n`
      : `exec ${quoted(join(other, "foregone"))} "$@"\n`;
  const script = `#!/bin/sh\nif [ "$1" = secrets ]; then\n${settings.join("")}exec ${quoted(process.execPath)} ${quoted(entry)} "$@"\nfi\n${rest}`;
  writeFileSync(join(folder, "foregone"), script, { mode: 0o700, flag: "wx" });
  return folder;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function doubleQuoted(text: string): string {
  return text.replace(/["\\$`}]/g, "\\$&");
}

/** Folders of a runner that is gone: its post step did not run. */
function removeLeftovers(env: Readonly<Record<string, string>>): void {
  const temp = env["RUNNER_TEMP"];
  if (temp === undefined || temp === "") return;
  try {
    for (const name of readdirSync(temp)) {
      const pid = Number(new RegExp(`^${PREFIX}([0-9]+)-[0-9a-f]{16}$`).exec(name)?.[1] ?? process.ppid);
      if (pid !== process.ppid && !isAlive(pid)) rmSync(join(temp, name), { recursive: true, force: true });
    }
  } catch {
    // Tidying up; the runner empties the folder too.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
