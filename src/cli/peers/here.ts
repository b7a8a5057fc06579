// What this machine's agent says of its peers.
import { askAgentJson } from "../../agent/client.ts";
import type { ResolvedConfig } from "../../config/resolve.ts";
import type { PeersStatus } from "../../peers/status.ts";
import { agentHere, statusOf } from "../agent/here.ts";
import type { CliContext } from "../command.ts";

export interface PeersHere {
  readonly resolved: ResolvedConfig;
  readonly status: PeersStatus | undefined;
  /** Why there is no status. */
  readonly off: string | undefined;
  /** Whether an agent answers at all. */
  readonly agent: boolean;
}

export async function peersHere(context: CliContext): Promise<PeersHere> {
  const { place, resolved } = await agentHere(context);
  const status = await askAgentJson<PeersStatus | null>(place.socket, { path: "/v1/peers" });
  if (status !== undefined && status !== null) return { resolved, status, off: undefined, agent: true };
  const agent = await statusOf(place);
  if (agent === undefined)
    return { resolved, status: undefined, off: "no agent runs: foregone agent start", agent: false };
  const service = agent.services["peers"];
  return {
    resolved,
    status: undefined,
    off: service?.detail ?? service?.state ?? "not in agent.services",
    agent: true,
  };
}
