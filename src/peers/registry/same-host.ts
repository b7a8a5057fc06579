// Peers of one user on one machine: a file each in a private folder, removed at the end, and not believed when its process is gone.
import { join } from "node:path";
import type { StoreFiles } from "../../ports.ts";
import { hexKey, lp, sha256 } from "../bytes.ts";
import type { MeshKeys } from "../mesh-key.ts";
import type { Announcement, PeerRegistry } from "./registry.ts";

export interface SameHostOptions {
  readonly files: StoreFiles;
  /** Private to this user; made if it is not there. */
  readonly folder: string;
  readonly network: string;
  readonly keys: MeshKeys;
  readonly pid: number;
  readonly isAlive: (pid: number) => boolean;
}

const MAX_BYTES = 4096;
const MAX_PEERS = 256;

export function sameHost({ files, folder, network, keys, pid, isAlive }: SameHostOptions): PeerRegistry {
  // The mesh's name does not tell its secret.
  const mesh = hexKey(sha256(lp(network, keys[0].kid))).slice(0, 16);
  const own = join(folder, `${mesh}-${pid}`);
  return {
    name: "same-host",
    source: "same-host",
    async list() {
      const names = (files.list(folder) ?? []).filter((name) => name.startsWith(`${mesh}-`)).slice(0, MAX_PEERS);
      return names.flatMap((name) => {
        const path = join(folder, name);
        const other = Number(name.slice(mesh.length + 1));
        if (path === own || !Number.isSafeInteger(other)) return [];
        if (!isAlive(other)) {
          files.unlink(path);
          return [];
        }
        const stat = files.stat(path);
        if (stat === undefined || (files.uid !== undefined && stat.uid !== files.uid)) return [];
        const text = Buffer.from(files.read(path, MAX_BYTES)?.bytes ?? []).toString();
        return text.split("\n").filter((line) => line !== "");
      });
    },
    async announce({ addresses }: Announcement) {
      files.mkdir(folder);
      // Whole or not there: another reads it at any moment.
      const temporary = `${own}.new`;
      files.unlink(temporary);
      const fd = files.create(temporary);
      files.write(fd, Buffer.from(addresses.join("\n")));
      files.close(fd);
      files.rename(temporary, own);
    },
    async withdraw() {
      files.unlink(own);
    },
  };
}
