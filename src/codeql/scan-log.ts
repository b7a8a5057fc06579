// What happened to scans on this machine, and what it saved. Looking up saves nothing: only a scan that was replaced by its
// replay counts, once for each commit and category, and no longer if it ran all the same.
import type { StoreFolder } from "../store/folder.ts";
import { appendTo, readNewest, type SegmentLog } from "../store/segments.ts";
import type { EpochMs } from "../ports.ts";

export type ScanEventKind =
  | "hit"
  | "miss"
  /** Replaced by its replay: the scan did not run. */
  | "skipped"
  /** Counted as skipped, but it ran all the same (a forgotten `if`). */
  | "ran-anyway"
  | "stored"
  | "refused"
  | "audit-same"
  | "false-skip"
  | "invalidated";

export interface ScanEvent {
  readonly at: EpochMs;
  readonly kind: ScanEventKind;
  /** "codeql javascript", "eslint" */
  readonly scan: string;
  /** Weak fingerprint. */
  readonly key: string;
  readonly commit?: string;
  readonly category?: string;
  /** Kind of the first miss, or code of the refusal. */
  readonly reason?: string;
  /** Recorded duration less what deciding, replaying and uploading took; >= 0. */
  readonly savedMs?: number;
}

/** 16 MiB: about 60,000 events. */
const MAX_BYTES = 16 * 1024 * 1024;
const PAGE = 1000;

export function scanLog({ files, path }: Pick<StoreFolder, "files" | "path">): SegmentLog {
  return { files, path: `${path}/scans`, maxBytes: MAX_BYTES };
}

/** Best effort: a decision stands whether or not it is counted. */
export function logScan(log: SegmentLog, event: ScanEvent): void {
  try {
    appendTo(log, JSON.stringify(event));
  } catch {
    // A full disk costs a number, not a job.
  }
}

/** Newest first. */
export function newestScans(log: SegmentLog, count: number): readonly ScanEvent[] {
  return readNewest(log, count).lines.flatMap(({ text }) => parse(text) ?? []);
}

/** Whether this scan of this commit is among the last thousand events as skipped. */
export function wasSkipped(log: SegmentLog, event: Pick<ScanEvent, "key" | "commit" | "category">): boolean {
  return readNewest(log, PAGE).lines.some(({ text }) => {
    const known = parse(text);
    return known?.kind === "skipped" && identity(known) === identity(event);
  });
}

function identity({ key, commit = "", category = "" }: Pick<ScanEvent, "key" | "commit" | "category">): string {
  return `${key} ${commit} ${category}`;
}

export interface ScanStats {
  readonly hits: number;
  readonly misses: Readonly<Record<string, number>>;
  readonly stored: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly skipped: number;
  readonly savedMs: number;
  readonly audits: number;
  readonly falseSkips: number;
  readonly invalidated: number;
}

export function scanStats(log: SegmentLog): ScanStats {
  const misses: Record<string, number> = {};
  const refused: Record<string, number> = {};
  const skipped = new Map<string, number>();
  const counts: Partial<Record<ScanEventKind, number>> = {};
  // Newest first: what ran anyway is seen before the skip it takes back.
  const ran = new Set<string>();
  for (const event of events(log)) {
    counts[event.kind] = (counts[event.kind] ?? 0) + 1;
    const one = identity(event);
    const reason = event.reason ?? "unknown";
    if (event.kind === "miss") misses[reason] = (misses[reason] ?? 0) + 1;
    else if (event.kind === "refused") refused[reason] = (refused[reason] ?? 0) + 1;
    else if (event.kind === "ran-anyway") ran.add(one);
    else if (event.kind === "skipped" && !ran.has(one)) skipped.set(one, Math.max(0, event.savedMs ?? 0));
  }
  const falseSkips = counts["false-skip"] ?? 0;
  return {
    hits: counts.hit ?? 0,
    misses,
    stored: counts.stored ?? 0,
    refused,
    skipped: skipped.size,
    savedMs: [...skipped.values()].reduce((a, b) => a + b, 0),
    audits: (counts["audit-same"] ?? 0) + falseSkips,
    falseSkips,
    invalidated: counts.invalidated ?? 0,
  };
}

function* events(log: SegmentLog): Generator<ScanEvent> {
  let before: Parameters<typeof readNewest>[2];
  do {
    const { lines, next } = readNewest(log, PAGE, before);
    for (const { text } of lines) {
      const event = parse(text);
      if (event !== undefined) yield event;
    }
    before = next;
  } while (before !== undefined);
}

function parse(text: string): ScanEvent | undefined {
  try {
    const event = JSON.parse(text) as Partial<ScanEvent>;
    const sound = typeof event.at === "number" && typeof event.kind === "string" && typeof event.key === "string";
    return sound ? (event as ScanEvent) : undefined;
  } catch {
    return undefined;
  }
}
