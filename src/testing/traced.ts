// Real traced runs in this process, against a sandbox: what `foregone run` does, without starting it 10,000 times.
import { readFileSync, statSync } from "node:fs";
import { encodeRecord } from "../core/record-codec.ts";
import { type Executed, executeCommand } from "../memo/execute.ts";
import { decideCommand } from "../memo/memo.ts";
import { nodeDeflate } from "../node/store-files.ts";
import { writeWitness } from "../store/witness.ts";
import { chooseObserver } from "../trace/choose.ts";
import type { Observer } from "../trace/observer.ts";
import { makeInterpreter } from "../trace/interpret/interpreter.ts";
import type { Sandbox } from "./sandbox.ts";

/** @returns why there is none, for `context.skip` */
export async function observerOrReason(backend: "ebpf" | "notify"): Promise<Observer | string> {
  const { observer, refusals } = await chooseObserver(backend);
  if (observer.name === backend) return observer;
  return refusals.map((refusal) => `${refusal.backend}: ${refusal.why}`).join("; ");
}

/** Decides, then runs and records, whatever the decision was. */
export async function tracedRun(
  box: Sandbox,
  observer: Observer,
  argv: readonly string[],
): Promise<Executed & { stdout: string }> {
  const parts = { ...box.parts(argv), backend: observer.name };
  // What the test has just written must look older than the run, as it does when a person types the command.
  for (const until = Date.now() + 25; Date.now() < until;);
  const decided = await decideCommand(parts);
  let stdout = "";
  const executed = await executeCommand(parts, decided, {
    observer,
    makeInterpreter,
    mount: { mountinfo: readFileSync("/proc/self/mountinfo", "latin1"), mountNs: statSync("/proc/self/ns/mnt").ino },
    provenance: { tool: "test" },
    match: (path, globs) => globs.includes(path),
    encode: (record) => encodeRecord(record, nodeDeflate),
    saveWitness: (id, stats, takenAt) => writeWitness(box.store.folder, id, stats, takenAt),
    onOutput: (stream, bytes) => {
      if (stream === "stdout") stdout += Buffer.from(bytes).toString();
    },
  });
  return { ...executed, stdout };
}
