// What the agent hosts. A service that cannot start, or dies, is named in the status and the others go on: clients then work
// directly, as without an agent.
import type { Json } from "../core/canonical.ts";
import type { Metrics } from "../report/metrics.ts";
import type { Route } from "./routes.ts";

export type ServiceState = "up" | "off" | "failed";

export interface ServiceStatus {
  readonly state: ServiceState;
  /** Why it is off or failed; what it listens on when up. One lower-case line. */
  readonly detail?: string;
  /** Numbers for the status page and the dashboard. */
  readonly facts?: Readonly<Record<string, Json>>;
}

export interface Service {
  /** As in `agent.services`. */
  readonly name: string;
  /** True: the agent does not start without it (a port that is taken must be seen at once). */
  readonly required?: boolean;
  /** True: only its routes matter; it is in no status. */
  readonly hidden?: boolean;
  /** Resolves when it serves. @throws when it cannot: tried again later unless required */
  start(): Promise<void>;
  /** Answers in flight finish; at most `STOP_MS`. Called after a failed start too. */
  stop(): Promise<void>;
  status(): ServiceStatus;
  /** What it answers on the agent's own socket. */
  readonly routes?: readonly Route[];
  /** What it counted since this process started: the agent adds the growth to the counters that survive. */
  counted?(): Metrics;
  /** How things stand, as far as is known; nothing for what nobody has looked at yet. */
  gauges?(): Metrics;
  /** Looks now, for somebody who waits for an answer. Never throws. */
  look?(): Promise<unknown>;
}

/** Clients give up after seconds; a job's end must not wait for more. */
export const STOP_MS = 5000;
/** A failed service is tried again after this long, doubled each time up to the second. */
export const RETRY_MS = [1000, 60_000] as const;
