// How later steps get to the cache. Every way asks first whether it still answers, so that a daemon that was killed costs nothing
// but the cache:
//   bin/gh   before the real gh in PATH; gh takes a socket from its configuration alone
//   env.sh   sourced by each bash (BASH_ENV): the runner overwrites GITHUB_API_URL and refuses NODE_OPTIONS from GITHUB_ENV, and a
//            proxy there would reach container actions, which cannot reach our loopback
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execEnv, type Way } from "../cli/api/exec-env.ts";
import { SOCKETS } from "./github-cache-process.ts";
import type { Ready } from "./github-cache-supervisor.ts";
import type { Host } from "./host.ts";

interface Daemon {
  readonly folder: string;
  readonly pid: number;
}

export function deliver(host: Host, ways: readonly Way[], { doors, hosts }: Ready, daemon: Daemon): void {
  const { folder } = daemon;
  const { NODE_OPTIONS: _, ...env } = host.env;
  const names = hosts.map(({ name }) => name);
  const made = execEnv(env, ways, doors, names, folder);
  const added = Object.entries(made).filter(([name, value]) => env[name] !== value);
  const { GH_CONFIG_DIR: ghConfig, FOREGONE_SOCKET: _s, FOREGONE_API_URL: _u, ...exported } = Object.fromEntries(added);
  if (ghConfig !== undefined && hasProgram(host.env, "gh")) {
    mkdirSync(join(folder, "bin"), { mode: 0o700 });
    writeFileSync(join(folder, "bin", "gh"), ghScript(daemon, ghConfig, ghHosts(host.env, names)), { mode: 0o700 });
    host.path(join(folder, "bin"));
  }
  writeFileSync(join(folder, "env.sh"), envScript(daemon, exported, host.env["BASH_ENV"]), { mode: 0o600 });
  host.variable("BASH_ENV", join(folder, "env.sh"));
  const { socket, apiUrl, proxy } = doors;
  host.variable("FOREGONE_SOCKET", socket ?? "");
  host.variable("FOREGONE_API_URL", apiUrl ?? "");
  host.output("socket", socket ?? "");
  host.output("api-url", apiUrl ?? "");
  if (proxy === undefined) return;
  host.mask(new URL(proxy.url).password);
  host.output("proxy-url", proxy.url);
  host.output("ca-file", made["SSL_CERT_FILE"] ?? "");
}

/** True in a shell while somebody answers there. */
function answers({ folder, pid }: Daemon): string {
  return `kill -0 ${pid} 2>/dev/null && [ -S ${quoted(join(folder, SOCKETS.api))} ]`;
}

function envScript(daemon: Daemon, exported: Readonly<Record<string, string>>, before: string | undefined): string {
  const { NODE_OPTIONS: hook, ...plain } = exported;
  const lines = Object.entries(plain).map(([name, value]) => `  export ${name}=${quoted(value)}`);
  // Added to what the step has, once, also in a bash below a bash.
  if (hook !== undefined)
    lines.push(
      `  case "\${NODE_OPTIONS-}" in *${quoted(hook)}*) ;; *) export NODE_OPTIONS="\${NODE_OPTIONS:+$NODE_OPTIONS }"${quoted(hook)} ;; esac`,
    );
  const chain = before === undefined || before === "" ? [] : [`[ ! -r ${quoted(before)} ] || . ${quoted(before)}`];
  return `${[...chain, `if ${answers(daemon)}; then`, ...lines, "  :", "fi"].join("\n")}\n`;
}

/** What writes gh's own configuration, or brings another one, or means another server, goes past us. */
function ghScript(daemon: Daemon, ghConfig: string, hosts: readonly string[]): string {
  const here = join(daemon.folder, "bin");
  return `#!/bin/sh
here=${quoted(here)}
real=
IFS=:
for folder in $PATH; do
  [ "$folder" = "$here" ] && continue
  if [ -f "$folder/gh" ] && [ -x "$folder/gh" ]; then real=$folder/gh; break; fi
done
unset IFS
[ -n "$real" ] || { echo "gh: not found" >&2; exit 127; }
case "\${1-}" in
  auth | config | alias | extension) ;;
  *)
    case "\${GH_HOST-}" in
      '' | ${hosts.map(quoted).join(" | ")})
        if [ -z "\${GH_CONFIG_DIR-}" ] && ${answers(daemon)}; then export GH_CONFIG_DIR=${quoted(ghConfig)}; fi ;;
    esac ;;
esac
exec "$real" "$@"
`;
}

/** What GH_HOST may be: gh names the server, not its API. */
function ghHosts(env: Readonly<Record<string, string>>, names: readonly string[]): readonly string[] {
  const server = env["GITHUB_SERVER_URL"] ?? "";
  return [...new Set([URL.canParse(server) ? new URL(server).host : "github.com", ...names])];
}

function hasProgram(env: Readonly<Record<string, string>>, name: string): boolean {
  return (env["PATH"] ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
