// foregone dashboard: the address of the agent's page, or a page of our own until interrupted.
import { spawn } from "node:child_process";
import { agentParts } from "../../agent/wiring.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { storeTrouble } from "../store-trouble.ts";
import { agentHere, askUsable, type Here } from "../agent/here.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const here = await agentHere(context);
  const running = await askUsable<{ url: string | null }>(here, { path: "/v1/dashboard" });
  if (running !== undefined) {
    if (running.url === null)
      throw new ForegoneError("E_CONFIG", "the agent serves no dashboard", { hint: "dashboard.enabled: true" });
    show(context, parsed, running.url);
    return EXIT.done;
  }
  return alone(context, parsed, here);
}

/** Nothing but the page: no services, no lock, so it disturbs nobody. */
async function alone(context: CliContext, parsed: Parsed, { agent, resolved }: Here): Promise<number> {
  const port = parsed.values.get("port") ?? "0";
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new ForegoneError("E_USAGE", `--port wants a number up to 65535, not "${port}"`);
  const config = { ...resolved.config, "agent.port": Number(port), "agent.services": ["dashboard", "broker"] as const };
  const { web, token } = await agentParts(agent, { ...resolved, config }, undefined).catch((error: unknown) => {
    throw storeTrouble(error);
  });
  if (web === undefined)
    throw new ForegoneError("E_CONFIG", "there is no dashboard here", { hint: "dashboard.enabled: true" });
  await web.start();
  show(context, parsed, `${web.address()}/#token=${token}`);
  context.stderr.write("foregone: no agent runs; this page lives until Ctrl-C\n");
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
  await web.stop();
  return EXIT.done;
}

function show(context: CliContext, parsed: Parsed, url: string): void {
  if (parsed.flags.has("json")) return void context.stdout.write(`${JSON.stringify({ url })}\n`);
  const { DISPLAY: x, WAYLAND_DISPLAY: wayland } = context.env;
  const open =
    process.platform === "darwin" ? "open" : x === undefined && wayland === undefined ? undefined : "xdg-open";
  if (parsed.flags.has("print") || context.stdout.isTTY !== true || open === undefined) {
    context.stdout.write(`${url}\n`);
    return;
  }
  const child = spawn(open, [url], { stdio: "ignore", detached: true });
  child.once("error", () => context.stdout.write(`${url}\n`));
  child.unref();
  context.stdout.write(`opened ${url.slice(0, url.indexOf("#"))}\n`);
}
