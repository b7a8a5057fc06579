// Reading the audit log for people and after a restart. Says what is written; whether it is genuine is `verifyAudit`'s to say.
import { type AuditLine, parseLine } from "./audit-line.ts";
import { auditPath } from "./audit-log.ts";
import { readPrivate } from "./disk.ts";

/** 1,000,000 lines of 500 bytes. */
export const MAX_LOG_BYTES = 512 * 1024 * 1024;

/** Lines from `sinceSeconds` on, oldest first. Lines that do not parse are left out. */
export function* readAuditLines(folder: string, sinceSeconds = 0): Generator<AuditLine> {
  const log = readPrivate(auditPath(folder), MAX_LOG_BYTES) ?? Buffer.alloc(0);
  // Times never go back, so the lines that are wanted are at the end.
  let from = log.length;
  while (from > 0) {
    const start = log.lastIndexOf(0x0a, from - 2) + 1;
    const line = parseLine(log.subarray(start, log[from - 1] === 0x0a ? from - 1 : from));
    if (line !== undefined && line.time < sinceSeconds) break;
    from = start;
  }
  for (let end = log.indexOf(0x0a, from); end >= 0; end = log.indexOf(0x0a, from)) {
    const line = parseLine(log.subarray(from, end));
    if (line !== undefined) yield line;
    from = end + 1;
  }
}
