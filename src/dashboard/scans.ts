// The log of scans, for the dashboard: read when somebody looks.
import { newestScans, scanLog, scanStats } from "../codeql/scan-log.ts";
import type { StoreFolder } from "../store/folder.ts";
import type { ScansPanel } from "./panels.ts";

const EVENTS = 100;

export function scansPanel(folder: StoreFolder): ScansPanel {
  const log = scanLog(folder);
  const { misses, audits, falseSkips } = scanStats(log);
  const events = newestScans(log, EVENTS).map(({ at, scan, kind, commit, reason, savedMs }) => ({
    at,
    scan,
    kind,
    ...(commit !== undefined && { commit }),
    ...(reason !== undefined && { reason }),
    ...(savedMs !== undefined && { savedMs }),
  }));
  return { events, misses, audits, falseSkips };
}
