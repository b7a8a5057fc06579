// Which processes of the command are left when it has ended: told by the filter that they carry, not by who asked us.
import fs from "node:fs";
import type { Seal } from "../event.ts";

type Status = ReadonlyMap<string, string>;

/** Before the command starts: what an earlier one left running, and our other children. */
export function ownChildren(): ReadonlySet<number> {
  try {
    const pids = fs
      .readdirSync("/proc/self/task")
      .flatMap((tid) => fs.readFileSync(`/proc/self/task/${tid}/children`, "latin1").split(" "));
    return new Set(pids.map(Number).filter((pid) => pid > 0));
  } catch {
    // A kernel without CONFIG_PROC_CHILDREN, or a thread that has just ended.
    const parents = [...allStatuses()].filter((status) => Number(status.get("PPid")) === process.pid);
    return new Set(parents.map((status) => Number(status.get("Pid"))));
  }
}

/**
 * Descendants of this process with one filter more than it has. Being their reaper, we are above all of them.
 * @param others children whose subtrees are not meant
 */
export function filteredProcesses(others: ReadonlySet<number>): Seal["alive"] {
  const own = statusOf("self");
  const children = new Map<number, Status[]>();
  for (const status of allStatuses()) {
    const parent = Number(status.get("PPid"));
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [status]);
    else siblings.push(status);
  }
  const alive: Seal["alive"][number][] = [];
  const visit = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      const childPid = Number(child.get("Pid"));
      if (others.has(childPid)) continue;
      const ended = /^[ZX]/.test(child.get("State") ?? "");
      if (!ended && isFiltered(child, own)) alive.push({ pid: childPid, comm: child.get("Name") ?? "" });
      visit(childPid);
    }
  };
  visit(process.pid);
  return alive;
}

/** `Seccomp_filters` exists since Linux 5.9; before, every process with a filter counts. */
function isFiltered(status: Status, own: Status | undefined): boolean {
  const filters = status.get("Seccomp_filters");
  if (filters === undefined) return status.get("Seccomp") === "2";
  return Number(filters) > Number(own?.get("Seccomp_filters") ?? 0);
}

function* allStatuses(): Iterable<Status> {
  for (const name of fs.readdirSync("/proc")) {
    const status = /^\d+$/.test(name) ? statusOf(name) : undefined;
    if (status !== undefined) yield status;
  }
}

function statusOf(pid: string): Status | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/status`, "latin1");
    return new Map(
      text.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf("\t") + 1)]),
    );
  } catch {
    return undefined;
  }
}
