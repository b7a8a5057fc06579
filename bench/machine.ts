// What every result file says first: where, when and from which commit it was measured.
import { execFileSync } from "node:child_process";
import { arch, cpus, loadavg, release, totalmem } from "node:os";
import { basename, isAbsolute } from "node:path";

export function machine(): Record<string, unknown> {
  return {
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      arch: arch(),
      node: process.version,
    },
    /** Processes that wanted a core in the minute before the end: above the number of cores, times are upper bounds. */
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    commit: execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim(),
    measuredAt: new Date().toISOString(),
    command: [
      "npm run bench --",
      ...process.argv.slice(1).map((word) => (isAbsolute(word) ? basename(word, ".mjs") : word)),
    ].join(" "),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
