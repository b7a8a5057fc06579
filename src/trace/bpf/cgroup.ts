// The root of the cgroup v2 tree, where packets can be watched. On hybrid systems it is not /sys/fs/cgroup itself.
import fs from "node:fs";

/** @returns a descriptor, or undefined: then no names are known for addresses */
export function openCgroupRoot(mountinfo = read("/proc/self/mountinfo")): number | undefined {
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    if (!after.startsWith("cgroup2 ")) continue;
    const [, , , root, point] = before.split(" ");
    if (root !== "/" || point === undefined) continue;
    try {
      return fs.openSync(point, "r");
    } catch {
      return undefined;
    }
  }
  return undefined;
}

function read(path: string): string {
  try {
    return fs.readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
