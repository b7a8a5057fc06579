// foregone agent install: a systemd unit, shown first. As root one of the system, with a root tracer; else one of the user.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { SMALL_HEAP } from "../../node/heap.ts";
import type { CliContext, Parsed } from "../command.ts";
import { agentHere } from "./here.ts";

const NAME = "foregone-agent.service";

export async function install(context: CliContext, parsed: Parsed): Promise<number> {
  const { agent } = await agentHere(context);
  const system = process.getuid?.() === 0;
  const path = system ? `/etc/systemd/system/${NAME}` : join(configHome(context), "systemd/user", NAME);
  const systemctl = system ? ["systemctl"] : ["systemctl", "--user"];
  if (parsed.flags.has("remove")) return remove(context, path, systemctl);
  const [script = ""] = process.argv.slice(1);
  const unit = unitText({ system, node: process.execPath, script: realpathSync(script), store: agent.store });
  context.stdout.write(`# ${path}\n${unit}`);
  if (!parsed.flags.has("write")) {
    context.stderr.write(`foregone: hint: foregone agent install --write puts it there and starts it\n`);
    return EXIT.done;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, unit);
  for (const args of [["daemon-reload"], ["enable", "--now", NAME]]) run(context, [...systemctl, ...args]);
  return EXIT.done;
}

export interface UnitFacts {
  readonly system: boolean;
  readonly node: string;
  readonly script: string;
  readonly store: string;
}

/** Exported for the test. Crash-only: systemd starts it again whatever ended it. */
export function unitText({ system, node, script, store }: UnitFacts): string {
  // A root agent traces jobs with eBPF, so it keeps its rights; a user's gives up all it never needs.
  const hardening = system
    ? ["ProtectHome=no", "ProtectClock=yes", "RestrictRealtime=yes"]
    : ["NoNewPrivileges=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes"];
  return [
    "[Unit]",
    "Description=Foregone agent: warm store, API proxy, broker, metrics, dashboard",
    "After=network.target",
    "",
    "[Service]",
    `ExecStart=${[node, ...SMALL_HEAP, script].map(quote).join(" ")} agent start --foreground`,
    `Environment=${quote(`FOREGONE_CACHE_DIR=${store}`)}`,
    "Restart=always",
    "RestartSec=2",
    // Idle it has about 70 MB; with peers and full memory layers some 300.
    "MemoryHigh=1G",
    "UMask=0077",
    ...(system ? ["RuntimeDirectory=foregone", "RuntimeDirectoryMode=0700", "Environment=XDG_RUNTIME_DIR=/run"] : []),
    ...hardening,
    "",
    "[Install]",
    `WantedBy=${system ? "multi-user.target" : "default.target"}`,
    "",
  ].join("\n");
}

/** systemd's own quoting: C escapes in double quotes, and `%` is a specifier, `$` a variable. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

function remove(context: CliContext, path: string, systemctl: readonly string[]): number {
  if (!existsSync(path)) throw new ForegoneError("E_NOT_FOUND", `there is no ${path}`);
  run(context, [...systemctl, "disable", "--now", NAME]);
  rmSync(path);
  context.stdout.write(`removed ${path}\n`);
  return EXIT.done;
}

function run(context: CliContext, argv: readonly string[]): void {
  const [command = "", ...args] = argv;
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error === undefined && status === 0) return;
  context.stderr.write(`foregone: note: \`${argv.join(" ")}\` did not work: ${error?.message ?? stderr.trim()}\n`);
}

function configHome({ env }: CliContext): string {
  const { XDG_CONFIG_HOME: xdg, HOME: home } = env;
  if (xdg !== undefined && xdg.startsWith("/")) return xdg;
  if (home === undefined) throw new ForegoneError("E_CONFIG", "no place for a unit: HOME is not set");
  return join(home, ".config");
}
