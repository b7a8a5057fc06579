// CPU time of a tree of processes, those that leave it included: a control group counts all that inherit it. Needs root.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

const ROOT = "/sys/fs/cgroup";

export class CpuAccount {
  readonly #folder: string;
  readonly #isV2: boolean;

  private constructor(folder: string, isV2: boolean) {
    this.#folder = folder;
    this.#isV2 = isV2;
  }

  /** @returns undefined where no control group can be made */
  static open(): CpuAccount | undefined {
    const isV2 = existsSync(`${ROOT}/cgroup.controllers`);
    const folder = `${ROOT}/${isV2 ? "" : "cpuacct/"}foregone-bench-${process.pid}`;
    try {
      mkdirSync(folder);
    } catch {
      return undefined;
    }
    return new CpuAccount(folder, isV2);
  }

  /** What this process starts from now on is counted, too. */
  add(pid: number): void {
    writeFileSync(`${this.#folder}/cgroup.procs`, String(pid));
  }

  /** Milliseconds, since it was opened. */
  used(): number {
    if (!this.#isV2) return Number(readFileSync(`${this.#folder}/cpuacct.usage`, "latin1")) / 1e6;
    return Number(/^usage_usec (\d+)/m.exec(readFileSync(`${this.#folder}/cpu.stat`, "latin1"))?.[1]) / 1e3;
  }

  /** Waits for the last process to end. */
  async close(): Promise<void> {
    while (readFileSync(`${this.#folder}/cgroup.procs`, "latin1") !== "")
      await new Promise((done) => setTimeout(done, 20));
    rmdirSync(this.#folder);
  }
}
