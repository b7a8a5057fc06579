// Which agent a command line means, whether it answers, and how its status reads.
import { type Ask, askAgentJson } from "../../agent/client.ts";
import type { AgentStatus } from "../../agent/daemon.ts";
import type { AgentPlace } from "../../agent/paths.ts";
import { placeOf } from "../../agent/place.ts";
import type { AgentContext } from "../../agent/wiring.ts";
import type { ResolvedConfig } from "../../config/resolve.ts";
import { bytesText, durationText } from "../../report/units.ts";
import { storeRoot } from "../../store/open.ts";
import type { CliContext } from "../command.ts";
import { configurationOf, expandPath, storeRootOf } from "../configuration.ts";
import { storeTrouble } from "../store-trouble.ts";
import { VERSION } from "../version.ts";

export interface Here {
  readonly agent: AgentContext;
  readonly resolved: ResolvedConfig;
  readonly place: AgentPlace;
}

/** Which agent this command line means. */
export async function agentHere(context: CliContext): Promise<Here> {
  const resolved = await configurationOf(context);
  const socket = resolved.config["agent.socket"];
  try {
    const agent: AgentContext = {
      cwd: context.cwd,
      env: context.env,
      version: VERSION,
      store: storeRootOf(context, resolved),
      defaultStore: storeRoot({ ...context.env, FOREGONE_CACHE_DIR: "", CACHE_DIR: "" }, context.cwd),
    };
    const config = { ...resolved.config, "agent.socket": socket === null ? null : expandPath(socket, context) };
    const expanded = { ...resolved, config };
    return { agent, resolved: expanded, place: placeOf(agent, expanded) };
  } catch (error) {
    throw storeTrouble(error);
  }
}

/** Undefined also if a running one is not to be used (`agent.enabled`). */
export async function askUsable<T>({ place, resolved }: Here, ask: Ask): Promise<T | undefined> {
  return resolved.config["agent.enabled"] ? askAgentJson<T>(place.socket, ask) : undefined;
}

export function statusOf(place: AgentPlace): Promise<AgentStatus | undefined> {
  return askAgentJson<AgentStatus>(place.socket, { path: "/v1/status" });
}

export function statusText(answer: AgentStatus): string {
  const lines = [
    `agent      up ${durationText(answer.upMs)}, pid ${answer.pid}, version ${answer.version}, ${bytesText(answer.rssBytes)} of memory`,
    `socket     ${answer.socket}`,
  ];
  for (const [name, { state, detail }] of Object.entries(answer.services))
    lines.push(
      `${name.padEnd(10)} ${state === "up" ? (detail ?? "up") : `${state}${detail === undefined ? "" : `: ${detail}`}`}`,
    );
  return `${lines.join("\n")}\n`;
}
