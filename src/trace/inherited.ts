// Files that the command is given open: ours above 2 that are not closed on exec. Node closes most of what it inherits,
// but not all; whatever passes through is an input that no call of the command names.
import fs from "node:fs";
import type { Bytes } from "./event.ts";

const O_CLOEXEC = 0o2000000;

/** Absolute paths of regular files and directories. To be called right before the command is started. */
export function inheritedFiles(): readonly Bytes[] {
  const found: Bytes[] = [];
  for (const name of fs.readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    if (fd <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "0";
      if ((Number.parseInt(flags, 8) & O_CLOEXEC) !== 0) continue;
      const stat = fs.fstatSync(fd);
      if (!stat.isFile() && !stat.isDirectory()) continue;
      found.push(fs.readlinkSync(`/proc/self/fd/${fd}`, "latin1") as Bytes);
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return found;
}
