// What an observer needs of a tracer, in this process or in another.
import type { TracerFacts } from "./facts.ts";
import type { MountTable } from "./mount-tables.ts";
import type { RecordSink } from "./ring.ts";
import type { TracerSeal } from "./tracer.ts";

export interface TracerLink {
  readonly facts: TracerFacts;
  /** Where records go from now on, those that came before included. */
  connect(onRecord: RecordSink, onMounts: (table: MountTable) => void): void;
  /** Resolves when every process that this one starts is traced. */
  adopt(): Promise<void>;
  release(): Promise<void>;
  /** Hands on what is there, if that is not done by itself. */
  drain(): void;
  /** undefined: it died, and nothing it said can be relied on. */
  seal(): Promise<TracerSeal | undefined>;
  /** Instead of `seal`: nobody wants to know. */
  close(): void;
}
