// What the benches of the mesh have in common: one peer here, the others in processes of their own.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { childOf } from "../src/testing/child.ts";
import { type LabOptions, type LabPeer, labPeer, until } from "../src/testing/mesh-lab.ts";

export interface Others {
  readonly processes: readonly ChildProcessWithoutNullStreams[];
  readonly addresses: readonly (readonly string[])[];
  stop(): void;
}

/** @param counts peers of each process @param how whether they know each other */
export async function others(counts: readonly number[], how: "together" | "apart" = "together"): Promise<Others> {
  const child = await childOf("src/testing/mesh-children.ts");
  const processes: ChildProcessWithoutNullStreams[] = [];
  const addresses: string[][] = [];
  for (const count of counts) {
    const one = child.start({}, String(count), how, ...addresses.flat());
    one.stderr.pipe(process.stderr);
    const [line] = (await once(one.stdout, "data")) as [Buffer];
    processes.push(one);
    addresses.push(JSON.parse(line.toString()) as string[]);
  }
  return {
    processes,
    addresses,
    stop() {
      for (const one of processes) one.kill("SIGKILL");
      child[Symbol.dispose]();
    },
  };
}

export async function joined(addresses: readonly string[], options: LabOptions = {}): Promise<LabPeer> {
  const peer = await labPeer(options);
  for (const address of addresses) peer.mesh.addAddress(address, "operator");
  peer.mesh.dialer.tick();
  await until(() => peer.mesh.ringSize === addresses.length + 1, 60_000);
  return peer;
}

export interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

export function timesOf(ms: readonly number[]): Times {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

export async function timed(times: number, work: (n: number) => Promise<unknown>): Promise<Times> {
  const ms: number[] = [];
  for (let n = 0; n < times; n++) {
    const from = performance.now();
    await work(n);
    ms.push(performance.now() - from);
  }
  return timesOf(ms);
}
