// How the API cache speaks: one closing line, and the table of `api stats`.
import type { Explained } from "../../github/explain.ts";
import type { CacheMode } from "../../github/message.ts";
import type { ApiStatus } from "../../github/proxy.ts";

const count = (n: number): string => n.toLocaleString("en-US");

/** "240 GitHub reads: 9 paid, 225 certified (304), 6 fresh; quota 4,982 of 5,000 until 14:00" */
export function closingLine({ stats, quotas }: ApiStatus): string {
  const parts = [
    `${count(stats.paid)} paid`,
    `${count(stats.certified)} certified (304)`,
    `${count(stats.fresh)} fresh`,
  ];
  if (stats.coalesced > 0) parts.push(`${count(stats.coalesced)} shared`);
  if (stats.stale > 0) parts.push(`${count(stats.stale)} stale`);
  const lowest = [...quotas].sort((a, b) => a.remaining / a.limit - b.remaining / b.limit)[0];
  const until = lowest && new Date(lowest.resetS * 1000).toISOString().slice(11, 16);
  const quota = lowest && `; quota ${count(lowest.remaining)} of ${count(lowest.limit)} until ${until} UTC`;
  return `${count(stats.reads)} GitHub reads: ${parts.join(", ")}${quota ?? ""}`;
}

export function statusLines(status: ApiStatus): readonly string[] {
  const { stats, rules, memory, doors } = status;
  const saved = stats.reads === 0 ? 0 : Math.round(((stats.reads - stats.paid) / stats.reads) * 100);
  return [
    `reads    ${closingLine(status)}; ${saved}% of reads cost nothing`,
    `other    ${count(stats.writes)} writes, ${count(stats.bypassed)} passed through, ${count(stats.failed)} failed`,
    `memory   ${count(memory.bodies)} bodies, ${(memory.bytes / 1e6).toFixed(1)} MB, ${count(memory.keys)} keys`,
    ...rules.map(
      (rule) =>
        `rule     ${rule.for}: etag rule ${rule.verdict} (${count(rule.matches)} of ${count(rule.matches + rule.mismatches)})`,
    ),
    `doors    ${[doors.socket, doors.apiUrl, doors.proxy ? "proxy" : undefined].filter((door) => door !== undefined).join(", ")}`,
    ...Object.entries(stats.byOperation).map(
      ([name, { paid, saved: free }]) => `by       ${name}: ${count(paid)} paid, ${count(free)} saved`,
    ),
  ];
}

const MODES: Readonly<Record<CacheMode, string>> = {
  FRESH: "free, no call: this token's lease holds",
  REVALIDATED: "free: GitHub said 304 to this token",
  COALESCED: "free: shared the call of another client",
  STALE: "older than asked for: GitHub did not answer",
  MISS: "paid: nothing to ask GitHub about",
  CHANGED: "paid: GitHub has other bytes than were kept",
  "NO-STORE": "paid, and not kept",
  SKIP: "passed through, never kept",
};

export function explainedLines(answers: readonly Explained[]): readonly string[] {
  return answers.flatMap(({ at, method, status, mode, why, caller, reasons }) => [
    `${new Date(at).toISOString().slice(11, 19)} UTC  ${method} as ${caller}: ${status}, ${MODES[mode]} (${why})`,
    ...reasons.map((reason) => `  ${reason}`),
  ]);
}
