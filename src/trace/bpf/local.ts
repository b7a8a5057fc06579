// The tracer in this very process: root, or CAP_BPF and CAP_PERFMON. The cheapest start, and no copy of any record.
import os from "node:os";
import type { Libc } from "../ffi.ts";
import { describeFailure, tracerFacts } from "./facts.ts";
import type { MountTable } from "./mount-tables.ts";
import type { TracerLink } from "./link.ts";
import { type Poller, poll } from "./poll.ts";
import type { RecordSink } from "./ring.ts";
import { Tracer, type TracerOptions } from "./tracer.ts";

/** @throws BpfRefused, or Error if the blob is missing or damaged, or the self-test fails */
export function openLocalTracer(libc: Libc, options: Partial<TracerOptions> = {}): TracerLink {
  let onRecord: RecordSink = () => undefined;
  const early: MountTable[] = [];
  let onMounts = (table: MountTable): void => void early.push(table);
  const startedAt = performance.now();
  const tracer = Tracer.start(libc, {
    ...options,
    onRecord: (bytes, words, at, length) => onRecord(bytes, words, at, length),
    onMounts: (table) => onMounts(table),
  });
  if (!tracer.selfTest.passed) {
    tracer.close();
    throw new Error(describeFailure(tracer.selfTest));
  }
  let priority: number | undefined;
  let poller: Poller | undefined;
  return {
    facts: tracerFacts(tracer, performance.now() - startedAt),
    connect(records, mounts) {
      onRecord = records;
      onMounts = mounts;
      for (const table of early.splice(0)) mounts(table);
      poller = poll((max) => tracer.drain(max));
    },
    async adopt() {
      tracer.adopt(process.pid);
    },
    async release() {
      tracer.release(process.pid);
      // Only now: the command must not inherit it.
      priority = raisePriority();
    },
    drain: () => void tracer.drain(),
    async seal() {
      poller?.stop();
      const sealed = tracer.seal();
      if (priority !== undefined) os.setPriority(0, priority);
      return sealed;
    },
    close() {
      poller?.stop();
      tracer.close();
    },
  };
}

/** The reader must not starve behind the command. @returns what to restore */
function raisePriority(): number | undefined {
  try {
    const before = os.getPriority(0);
    os.setPriority(0, -20);
    return before;
  } catch {
    return undefined;
  }
}
