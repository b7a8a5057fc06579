// Entry of the two worker threads, and of the rescuer process. Built to notify-worker.js beside whoever starts it, as
// Node 20 runs no TypeScript and a bundle has no modules.
import os from "node:os";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { loadLibc } from "../ffi.ts";
import { FILTER_ABIS } from "./filter.ts";
import { type FromSpawner, type FromSupervisor, SLOT, type WorkerStart } from "./protocol.ts";
import { rescue, RESCUER_FD } from "./rescuer.ts";
import { spawnFiltered } from "./spawner.ts";
import { Supervisor } from "./supervisor.ts";

const libc = await loadLibc();
if ("unavailable" in libc) throw new Error(libc.unavailable);
const abis = FILTER_ABIS[process.arch] ?? [];
const post = (message: FromSpawner | FromSupervisor): void => parentPort?.postMessage(message, []);
const start = workerData as WorkerStart | undefined;

if (isMainThread || start === undefined) rescue(libc, RESCUER_FD);
else if (start.role === "spawner") await spawnFiltered(libc, abis, start, post);
else {
  const { slots, inherited, fault } = start;
  const supervisor = new Supervisor({ libc, slots, abis, kernel: os.release(), inherited, fault, post });
  Atomics.store(slots, SLOT.supervising, 1);
  Atomics.notify(slots, SLOT.supervising);
  Atomics.wait(slots, SLOT.listener, 0);
  const listener = Atomics.load(slots, SLOT.listener);
  if (listener > 0) supervisor.run(listener - 1);
}
