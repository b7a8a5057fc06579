// Words and numbers of the page. Units are those of the terminal (report/units.ts).
import { ageText, bytesText, countText, durationText } from "../../report/units.ts";

const REASONS: Readonly<Record<string, string>> = {
  "no-record": "no record yet",
  changed: "an input changed",
  unanswered: "an input could not be looked at",
  "blob-missing": "stored bytes were gone",
  untrusted: "the record was not trusted",
  expired: "the record was too old",
  audit: "asked to run (audit, mode, time)",
};

export function reasonText(reason: string): string {
  if (reason.startsWith("gap:")) return `gap: ${reason.slice(4).replaceAll("-", " ")}`;
  return REASONS[reason] ?? reason;
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  const share = (100 * part) / whole;
  // 99.96 % is not all, and 0.04 % is not none.
  if (share > 0 && share < 0.1) return "< 0.1 %";
  if (share < 100 && share > 99.9) return "> 99.9 %";
  return `${share >= 99.95 || share < 0.05 ? share.toFixed(0) : share.toFixed(1)} %`;
}

/** Hours and days for what adds up over weeks; the terminal's words below an hour. */
export function longDuration(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours >= 48) return `${(hours / 24).toFixed(1)} days`;
  if (hours >= 1) return `${hours.toFixed(1)} h`;
  return ms === 0 ? "0 s" : durationText(ms);
}

export const ago = (at: number, now: number): string => ageText(Math.max(0, now - at));

export function ahead(at: number, now: number): string {
  return at <= now ? "now" : `in ${ageText(at - now).replace(/ ago$/, "")}`;
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const dateText = (at: number): string => DATE.format(at);

export function axisText(at: number, stepMs: number): string {
  return stepMs < 3_600_000 * 6 ? HOUR.format(at) : DAY.format(at);
}

export function spanText(at: number, stepMs: number): string {
  if (stepMs >= 86_400_000) return DAY.format(at);
  return `${DAY.format(at)}, ${HOUR.format(at)}–${HOUR.format(at + stepMs)}`;
}

/** A digest or answer as people compare it: eight digits. */
export function shortValue(value: string): string {
  return value.replace(/(?:sha256|git-sha1|git-sha256):([0-9a-f]{8})[0-9a-f]+/g, "$1");
}

export function commandText(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}

export { bytesText, countText, durationText };
