// The agent below the disk: peers live in it alone. A command asks it only while peers are up there, and never for what the disk
// has: 20 kB from its memory take 7 times as long (docs/decisions/0077-agent-below-the-disk.md).
import { askAgentJson } from "../agent/client.ts";
import type { AgentStatus } from "../agent/daemon.ts";
import { placeOf } from "../agent/place.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import { nodeHasher } from "../node/ports.ts";
import type { FarLayer } from "../store/layers.ts";
import { storeRoot } from "../store/open.ts";
import type { CliContext } from "./command.ts";
import { expandPath, storeRootOf } from "./configuration.ts";
import { writingOf } from "./shared-stores.ts";

/** It answers in a millisecond or two, or it is too busy to help. */
const ASK_MS = 250;

/** @returns undefined: no agent, or one without peers */
export async function agentLayer(
  context: Pick<CliContext, "cwd" | "env">,
  { config, origins }: ResolvedConfig,
): Promise<FarLayer | undefined> {
  if (!config["agent.enabled"]) return undefined;
  const named = config["agent.socket"];
  const place = {
    env: context.env,
    store: storeRootOf(context, { config, origins, notes: [] }),
    defaultStore: storeRoot({ ...context.env, FOREGONE_CACHE_DIR: "", CACHE_DIR: "" }, context.cwd),
  };
  const expanded = { ...config, "agent.socket": named === null ? null : expandPath(named, context) };
  const { socket } = placeOf(place, { config: expanded });
  const status = await askAgentJson<AgentStatus>(socket, { path: "/v1/status", deadlineMs: ASK_MS });
  if (status?.services["peers"]?.state !== "up") return undefined;
  const [{ agentStore }, { MAX_BLOB_BYTES }, { readOnly }] = await Promise.all([
    import("../agent/store-client.ts"),
    import("../agent/store-service.ts"),
    import("../store/read-only.ts"),
  ]);
  const deadlineMs = config["store.deadline"];
  const store = agentStore(nodeHasher, socket, deadlineMs);
  // What the agent then may publish is a matter of its own grant.
  const { writes } = writingOf(undefined, context.env);
  return {
    store: writes ? store : readOnly(store, nodeHasher),
    bounds: { deadlineMs, maxBytes: MAX_BLOB_BYTES, maxFailures: config["store.retry-after-failures"] },
  };
}
