// How credentials read on a terminal.
import { scopeText } from "../../core/scope.ts";
import type { StoredVersion } from "../../secrets/model.ts";

/** 2026-11-23 05:10Z */
export function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")}Z`;
}

/** environment:456:production (acme/shop) */
export function scopeLabel(version: Pick<StoredVersion, "scope" | "scopeName">): string {
  const text = scopeText(version.scope);
  return version.scopeName === undefined ? text : `${text} (${version.scopeName})`;
}

export type VersionState = "valid" | "expired" | "pending" | "deny";

export function stateOf(version: StoredVersion, now: number): VersionState {
  if (version.policy.deny === true) return "deny";
  if (version.notAfter !== null && now >= version.notAfter) return "expired";
  return version.notBefore > now ? "pending" : "valid";
}

export function expiryText({ notAfter }: Pick<StoredVersion, "notAfter">): string {
  return notAfter === null ? "no expiry" : `expires ${timeText(notAfter)}`;
}

/** For --json: what was stored, never its value. Times are Unix seconds. */
export function storedFacts(version: StoredVersion, audit: number): object {
  const { name, notBefore, notAfter } = version;
  return { name, version: version.version, scope: scopeText(version.scope), notBefore, notAfter, audit };
}

/** Columns of one width each, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
