// What the page asks for: JSON, read only. Every answer is bounded, whatever is stored and whatever is asked.
import type { AgentStatus } from "../agent/daemon.ts";
import { type Call, type Route, sendJson } from "../agent/routes.ts";
import { parseDigest } from "../core/digest.ts";
import { gapDetail } from "../core/gap.ts";
import type { ActionRecord } from "../core/record.ts";
import type { Clock } from "../ports.ts";
import { missText } from "../report/misses.ts";
import { readDecision, readDecisions, type StoredDecision } from "../store/decisions.ts";
import { asPosition, type SegmentLog } from "../store/segments.ts";
import { type DecisionIndex, reasonOf } from "./decision-index.ts";
import type { History } from "./history.ts";
import type { Panels } from "./panels.ts";
import { countsOf, inputsOf, proofOf, type RecordSummary, treeOf } from "./record-view.ts";

export interface ApiSources {
  readonly clock: Clock;
  readonly version: string;
  readonly log: SegmentLog;
  readonly index: DecisionIndex;
  readonly history: History;
  /** All counters and gauges by name with labels, as in /metrics. */
  readonly metrics: () => Readonly<Record<string, number>>;
  /** Decoded and verified; undefined: gone, or not readable. */
  readonly record: (digest: NonNullable<ReturnType<typeof parseDigest>>) => Promise<ActionRecord | undefined>;
  readonly panels: Panels;
  /** Absent when the dashboard runs without an agent. */
  readonly agent?: () => AgentStatus;
}

/** A page of the list; the browser asks again when it is scrolled to. */
const PAGE = 50;
/** With a filter that matches nothing: so many lines are looked at for one answer, then the page offers to go on. */
const MAX_SCANNED = 5000;
const MAX_INPUTS = 200;
const MAX_NODES = 260;
const HOUR_MS = 3_600_000;

export function apiRoutes(sources: ApiSources): readonly Route[] {
  const get = (path: string, answer: (call: Call) => Promise<unknown>): Route => ({
    method: "GET",
    path,
    handle: async (call) => {
      const value = await answer(call);
      if (value === undefined) sendJson(call.response, 404, { error: "not there (any more)" });
      else sendJson(call.response, 200, value);
    },
  });
  return [
    get("/api/summary", () => summary(sources)),
    get("/api/timeline", async ({ query }) => {
      await sources.index.refresh();
      const hours = hoursOf(sources, query);
      const to = sources.clock.now();
      const stepMs = hours <= 1 ? HOUR_MS / 12 : hours <= 24 ? HOUR_MS : hours <= 168 ? 6 * HOUR_MS : 24 * HOUR_MS;
      const zoneMs = bounded(query, "zone", 0, -14 * 60, 14 * 60) * 60_000;
      return { stepMs, buckets: sources.index.timeline(to - hours * HOUR_MS + stepMs, to, stepMs, zoneMs) };
    }),
    get("/api/history", async ({ query }) => {
      const to = sources.clock.now();
      sources.history.refresh(to);
      const names = (query.get("names") ?? "").split(",").slice(0, 20);
      return sources.history.range(names, to - hoursOf(sources, query) * HOUR_MS, to, 300);
    }),
    get("/api/decisions", async ({ query }) => decisionsPage(sources, query)),
    get("/api/decision/", async ({ rest }) => {
      const id = asPosition(rest);
      const found = id === undefined ? undefined : readDecision(sources.log, id);
      return found === undefined ? undefined : told(found);
    }),
    get("/api/commands", async () => {
      await sources.index.refresh();
      return sources.index.commands().slice(0, 500);
    }),
    get("/api/record", async ({ query }) => {
      const record = await recordOf(sources, query);
      return record === undefined ? undefined : summaryOf(record);
    }),
    get("/api/inputs", async ({ query }) => {
      const record = await recordOf(sources, query);
      if (record === undefined) return undefined;
      return inputsOf(record.trace.observations, {
        text: query.get("text") ?? "",
        kind: query.get("kind") ?? "",
        offset: bounded(query, "offset", 0, 0, 10_000_000),
        limit: MAX_INPUTS,
      });
    }),
    get("/api/tree", async ({ query }) => {
      const record = await recordOf(sources, query);
      return record === undefined ? undefined : treeOf(record.trace.observations, query.get("under") ?? "", MAX_NODES);
    }),
    get("/api/quota", async () => (await sources.panels.quota?.()) ?? null),
    get("/api/scans", async () => (await sources.panels.scans?.()) ?? null),
    get("/api/peers", async () => (await sources.panels.peers?.()) ?? null),
    get("/api/credentials", async () => (await sources.panels.credentials?.()) ?? null),
  ];
}

export interface Summary {
  readonly now: number;
  readonly version: string;
  /** Decisions in the log. */
  readonly decisions: number;
  /** How far back plots reach: `dashboard.history`. */
  readonly historyHours: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly agent: AgentStatus | null;
}

/** A decision, with its reasons in words: they are in report/, and the page must not have its own. */
export interface ToldDecision extends StoredDecision {
  readonly reason: string | null;
  readonly missTexts: readonly string[];
}

export async function summary({ clock, version, index, history, metrics, agent }: ApiSources): Promise<Summary> {
  await index.refresh();
  return {
    now: clock.now(),
    version,
    decisions: index.count,
    historyHours: history.maxAgeMs / HOUR_MS,
    metrics: metrics(),
    agent: agent?.() ?? null,
  };
}

export function told(decision: StoredDecision): ToldDecision {
  const { misses } = decision;
  return { ...decision, reason: decision.kind === "run" ? reasonOf(decision) : null, missTexts: misses.map(missText) };
}

function decisionsPage({ log }: ApiSources, query: URLSearchParams): unknown {
  const kind = query.get("kind") ?? "";
  const reason = query.get("reason") ?? "";
  const text = (query.get("text") ?? "").toLowerCase();
  const found: StoredDecision[] = [];
  let before = asPosition(query.get("before") ?? "");
  for (let scanned = 0; scanned < MAX_SCANNED && found.length < PAGE; scanned += PAGE) {
    const page = readDecisions(log, PAGE, before);
    for (const decision of page.decisions) {
      if (found.length === PAGE) return { decisions: found.map(told), next: found.at(-1)?.id };
      if (matches(decision, kind, reason, text)) found.push(decision);
    }
    before = page.next;
    if (before === undefined) break;
  }
  return { decisions: found.map(told), next: before ?? null };
}

function matches(decision: StoredDecision, kind: string, reason: string, text: string): boolean {
  if (kind === "audit" ? decision.audit === undefined : kind !== "" && decision.kind !== kind) return false;
  if (reason !== "" && (decision.kind !== "run" || reasonOf(decision) !== reason)) return false;
  if (text === "") return true;
  const words = [...decision.command, decision.job ?? "", decision.workspace, decision.cwd].join(" ").toLowerCase();
  return words.includes(text);
}

async function recordOf({ record }: ApiSources, query: URLSearchParams): Promise<ActionRecord | undefined> {
  const digest = parseDigest(query.get("digest") ?? "");
  return digest === undefined ? undefined : record(digest);
}

function summaryOf(record: ActionRecord): RecordSummary {
  const { outputs } = record.result;
  return {
    command: record.action.argv,
    cwd: record.action.cwd,
    recordedAt: record.provenance.recordedAt,
    durationMs: record.result.durationMs,
    tool: record.provenance.tool,
    proof: proofOf(record),
    counts: countsOf(record.trace.observations),
    gaps: record.trace.gaps.map((gap) => ({ kind: gap.kind, detail: gapDetail(gap) })),
    outputs: outputs.length,
    outputBytes: outputs.reduce((sum, output) => sum + output.sizeBytes, 0),
    optOuts: record.optOuts,
  };
}

/** As asked, and no further than `dashboard.history`. */
function hoursOf({ history }: ApiSources, query: URLSearchParams): number {
  return bounded(query, "hours", 24, 1, Math.max(1, Math.floor(history.maxAgeMs / HOUR_MS)));
}

function bounded(query: URLSearchParams, name: string, fallback: number, min: number, max: number): number {
  const text = query.get(name);
  const value = text === null ? Number.NaN : Number(text);
  return Number.isFinite(value) ? Math.min(max, Math.max(min, Math.floor(value))) : fallback;
}
