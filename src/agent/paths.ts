// Where an agent is found: one per user and store. Everything that names it follows from these two.
import { join } from "node:path";
import { ForegoneError } from "../core/errors.ts";
import type { Hasher } from "../ports.ts";

export interface AgentPlace {
  /** Folder of the socket, 0700. */
  readonly folder: string;
  readonly socket: string;
  /** A name in the kernel, gone with its process: no stale lock after kill -9. */
  readonly lockName: string;
  /** Below the store. */
  readonly log: string;
}

export interface PlaceInputs {
  readonly hasher: Hasher;
  /** `$XDG_RUNTIME_DIR`, else /run/user/<uid> if it is there: a runner's service often has no session. */
  readonly runtime: string | undefined;
  readonly uid: number;
  /** Absolute: the store's folder. */
  readonly store: string;
  /** Absolute: what the store's folder would be unasked. */
  readonly defaultStore: string;
  /** `agent.socket`, absolute. */
  readonly socket: string | null;
}

/** sun_path holds 108 bytes on Linux, 104 on macOS, with the closing NUL. */
const MAX_SOCKET_BYTES = 103;

/** @throws ForegoneError E_CONFIG if the path is too long for a socket */
export function agentPlace({ hasher, runtime, uid, store, defaultStore, socket }: PlaceInputs): AgentPlace {
  const id = hasher.sha256(`${uid}\0${store}`).slice(0, 16);
  const folder = runtime !== undefined && runtime.startsWith("/") ? join(runtime, "foregone") : `/tmp/foregone-${uid}`;
  const path = socket ?? join(folder, store === defaultStore ? "agent.sock" : `agent-${id}.sock`);
  if (Buffer.byteLength(path) > MAX_SOCKET_BYTES)
    throw new ForegoneError("E_CONFIG", `the socket's path is longer than ${MAX_SOCKET_BYTES} bytes: ${path}`, {
      hint: `FOREGONE_AGENT_SOCKET=/tmp/foregone-${uid}/agent.sock`,
    });
  return {
    folder: path.slice(0, path.lastIndexOf("/")),
    socket: path,
    lockName: `\0foregone-agent-${id}`,
    log: join(store, "agent", "agent.log"),
  };
}
