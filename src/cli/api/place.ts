// Where the API proxy of this user is found: a socket in a folder that only this user can enter.
import fs from "node:fs";
import { join } from "node:path";
import { expandPath } from "../configuration.ts";
import type { CliContext } from "../command.ts";
import type { Config } from "../../config/settings.ts";

export interface ApiPlace {
  readonly socket: string;
  /** Of the cache's own store: not the one that skips use (docs/decisions/0041-own-folder-own-key.md). */
  readonly store: string;
}

export function apiPlace(context: Pick<CliContext, "cwd" | "env">, config: Config): ApiPlace {
  const named = context.env["FOREGONE_SOCKET"];
  const store = join(expandPath(config["store.directory"], context), "api");
  if (named !== undefined && named !== "") return { socket: expandPath(named, context), store };
  return { socket: join(runtimeFolder(context.env), "api.sock"), store };
}

/** As the agent's: $XDG_RUNTIME_DIR, else /run/user/UID, else a folder in /tmp that the door checks before it opens. */
function runtimeFolder(env: Readonly<Record<string, string>>): string {
  const uid = process.getuid?.() ?? 0;
  const named = env["XDG_RUNTIME_DIR"];
  if (named !== undefined && named.startsWith("/")) return join(named, "foregone");
  return fs.existsSync(`/run/user/${uid}`) ? `/run/user/${uid}/foregone` : `/tmp/foregone-${uid}`;
}
