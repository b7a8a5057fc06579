// What a job left running, told from other tests' processes by the folder that its environment names.
import { readdirSync, readFileSync } from "node:fs";

export function processesOf(base: string, program = ""): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const isProgram = readFileSync(`/proc/${name}/cmdline`, "latin1").includes(program);
      return isProgram && readFileSync(`/proc/${name}/environ`, "latin1").includes(base) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** @returns whether no tracer of a job was left within 5 s, the promise of docs/action.md */
export async function tracersEnd(base: string): Promise<boolean> {
  const end = performance.now() + 5_000;
  while (processesOf(base, "dist/tracer.js").length > 0) {
    if (performance.now() > end) return false;
    await new Promise((done) => setTimeout(done, 20));
  }
  return true;
}
