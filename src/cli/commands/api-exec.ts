// `foregone api exec`: a command whose GitHub reads go through the cache. Whatever is wrong with us is one line on stderr, and
// the command runs all the same.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { ApiDoors } from "../../github/proxy.ts";
import { askRunning } from "../api/client.ts";
import { type Way, execEnv, parseWays } from "../api/exec-env.ts";
import { ApiCounting } from "../api/counting.ts";
import { type OpenedApi, openApiProxy } from "../api/open.ts";
import { type ApiSettings, apiSettings } from "../api/settings.ts";
import { closingLine } from "../api/words.ts";
import { runChild } from "../child.ts";
import type { CliContext, Parsed } from "../command.ts";
import { Voice } from "../voice.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const argv = parsed.operands;
  if (argv.length === 0)
    throw new ForegoneError("E_USAGE", "no command given", {
      exitCode: EXIT.ownUsage,
      hint: "foregone api exec -- gh run list",
    });
  const ways = parseWays(parsed.values.get("via"));
  const voice = new Voice(context, parsed.flags.has("quiet"));
  const folder = mkdtempSync(join(tmpdir(), "foregone-exec-"));
  let own: OpenedApi | undefined;
  let counting: ApiCounting | undefined;
  let env = context.env;
  try {
    try {
      const settings = await apiSettings(context, parsed);
      const running = await runningDoors(settings, ways, parsed);
      own = running === undefined ? await openOwn(context, settings, ways, folder, voice) : undefined;
      const proxy = own;
      if (proxy !== undefined) counting = new ApiCounting(context, settings.resolved, () => proxy.status().stats);
      const hosts = settings.config["api.hosts"].map((host) => host.split("/")[0] ?? host);
      env = execEnv(context.env, ways, running ?? own ?? NO_DOORS, hosts, folder);
    } catch (error) {
      if (error instanceof ForegoneError && error.code === "E_USAGE") throw error;
      voice.error(error);
    }
    const code = await runChild(context, { argv, env });
    if (own !== undefined && context.stderr.isTTY === true) voice.say(closingLine(own.status()));
    return code;
  } finally {
    await counting?.flush();
    await own?.close(0);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A running proxy serves, unless this command names upstreams of its own or wants a CONNECT door that the other has not. */
async function runningDoors(
  settings: ApiSettings,
  ways: readonly Way[],
  parsed: Parsed,
): Promise<ApiDoors | undefined> {
  if (!settings.config["agent.enabled"] || parsed.lists.has("upstream")) return undefined;
  try {
    const doors = (await askRunning(settings.socket, "GET", "doors")) as ApiDoors;
    return ways.includes("proxy") && doors.proxy === undefined ? undefined : doors;
  } catch {
    return undefined;
  }
}

const NO_DOORS: ApiDoors = { socket: undefined, apiUrl: undefined, proxy: undefined };

function openOwn(
  context: CliContext,
  { config, store, origins }: ApiSettings,
  ways: readonly Way[],
  folder: string,
  voice: Voice,
): Promise<OpenedApi> {
  return openApiProxy({
    config,
    env: context.env,
    storeFolder: store,
    doors: {
      socket: join(folder, "api.sock"),
      baseUrlPort: 0,
      ...(ways.includes("proxy") && { proxyPort: 0 }),
    },
    origins,
    interactive: context.stdout.isTTY === true,
    onNote: (line) => voice.say(`note: ${line}`),
  });
}
