// The tracer in this very process: root, or CAP_BPF and CAP_PERFMON. The cheapest start, and no copy of any record.
import os from "node:os";
import type { Libc } from "../ffi.ts";
import type { TracerLink } from "./observer.ts";
import type { RecordSink } from "./ring.ts";
import { Tracer, type TracerOptions } from "./tracer.ts";
import type { MountTable } from "./mount-tables.ts";

const POLL_MS = 15;
/** More than this in one poll, and the next comes at once: a storm fills 64 MiB in 0.3 s. */
const BUSY_BYTES = 2 << 20;

/** @throws BpfRefused, or Error if the blob is missing or damaged, or the self-test fails */
export function openLocalTracer(libc: Libc, options: Partial<TracerOptions> = {}): TracerLink {
  let onRecord: RecordSink = () => undefined;
  const early: MountTable[] = [];
  let onMounts = (table: MountTable): void => void early.push(table);
  const tracer = Tracer.start(libc, {
    ...options,
    onRecord: (bytes, words, at, length) => onRecord(bytes, words, at, length),
    onMounts: (table) => onMounts(table),
  });
  if (!tracer.selfTest.passed) {
    tracer.close();
    throw new SelfTestFailed(tracer);
  }
  let priority: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const poll = (): void => {
    const busy = tracer.drain(BUSY_BYTES) >= BUSY_BYTES;
    timer = setTimeout(poll, busy ? 0 : POLL_MS);
  };
  return {
    connect(records, mounts) {
      onRecord = records;
      onMounts = mounts;
      for (const table of early.splice(0)) mounts(table);
      poll();
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
      clearTimeout(timer);
      const sealed = tracer.seal();
      if (priority !== undefined) os.setPriority(0, priority);
      return sealed;
    },
  };
}

export class SelfTestFailed extends Error {
  constructor({ selfTest }: Tracer) {
    const total = selfTest.done + selfTest.impossible.length;
    super(
      `self-test ${selfTest.done - selfTest.missed.length} of ${total}` +
        (selfTest.why === undefined ? "" : `: ${selfTest.why}`) +
        (selfTest.missed.length === 0 ? "" : `: missed ${selfTest.missed.join(", ")}`),
    );
    this.name = "SelfTestFailed";
  }
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
