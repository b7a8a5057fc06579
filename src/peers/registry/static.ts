// Addresses that the operator wrote down: in the configuration, or one a line in a file.
import { Unreadable, type Files } from "../../ports.ts";
import type { PeerRegistry } from "./registry.ts";

export function bootstrapList(addresses: readonly string[]): PeerRegistry {
  return { name: "bootstrap", source: "operator", list: async () => addresses };
}

/** 1 MiB: 20,000 addresses. */
const MAX_BYTES = 1024 * 1024;

/** Read anew each time: whoever starts machines may write it. Empty lines and those that begin with # say nothing. */
export function staticFile(path: string, files: Files): PeerRegistry {
  return {
    name: "file",
    source: "operator",
    async list() {
      const bytes = files.read(path, MAX_BYTES);
      if (bytes instanceof Unreadable) throw new Error(`${path}: ${bytes.code}`);
      const lines = bytes === undefined ? [] : Buffer.from(bytes).toString().split("\n");
      return lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
    },
  };
}
