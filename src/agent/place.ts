// Which agent a command line means, found without loading what an agent is made of.
import { existsSync } from "node:fs";
import type { ResolvedConfig } from "../config/resolve.ts";
import { nodeHasher } from "../node/ports.ts";
import { type AgentPlace, agentPlace } from "./paths.ts";

export interface PlaceContext {
  readonly env: Readonly<Record<string, string>>;
  /** Absolute: root of the store, and what it would be unasked. */
  readonly store: string;
  readonly defaultStore: string;
}

/** @throws ForegoneError E_CONFIG if the path is too long for a socket */
export function placeOf(context: PlaceContext, { config }: Pick<ResolvedConfig, "config">): AgentPlace {
  const uid = process.getuid?.() ?? 0;
  const session = `/run/user/${uid}`;
  return agentPlace({
    hasher: nodeHasher,
    runtime: context.env["XDG_RUNTIME_DIR"] || (existsSync(session) ? session : undefined),
    uid,
    store: context.store,
    defaultStore: context.defaultStore,
    socket: config["agent.socket"],
  });
}
