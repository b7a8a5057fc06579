// What `doctor` says of a tracer that works, and of one that does not.
import type { SelfTest } from "./canary.ts";
import type { Tracer } from "./tracer.ts";

export interface TracerFacts {
  readonly startMs: number;
  readonly selfTest: SelfTest;
  readonly ringBytes: number;
  readonly uringDecoded: boolean;
  /** DNS names are known for addresses: there is a cgroup v2 root. */
  readonly dns: boolean;
  /** What the kernel refused first: a program, a ring size. */
  readonly notices: readonly string[];
}

export function tracerFacts(tracer: Tracer, startMs: number): TracerFacts {
  const { selfTest, ringBytes, uringDecoded, dns, notices } = tracer;
  return { startMs, selfTest, ringBytes, uringDecoded, dns, notices };
}

/** "self-test 23 of 24: missed chroot" */
export function describeFailure({ done, missed, impossible, why }: SelfTest): string {
  const total = done + impossible.length;
  const parts = [`self-test ${done - missed.length} of ${total}`];
  if (why !== undefined) parts.push(why);
  if (missed.length > 0) parts.push(`missed ${missed.join(", ")}`);
  return parts.join(": ");
}
