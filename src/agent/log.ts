// The agent's log: one line an event, rotated by size, one old file kept. Never a secret, never a path of a job above `debug`.
import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";

export const LEVELS = ["error", "warning", "info", "debug"] as const;
export type Level = (typeof LEVELS)[number];

export interface Log {
  write(level: Level, message: string): void;
}

export interface LogOptions {
  readonly path: string;
  readonly level: Level;
  readonly maxBytes: number;
  /** ISO text of the time of an event. */
  readonly now: () => string;
}

/** A log that cannot be written (full disk) must not stop the agent: lines are lost then. */
export function openLog({ path, level, maxBytes, now }: LogOptions): Log {
  const limit = LEVELS.indexOf(level);
  let size = sizeOf(path);
  return {
    write(lineLevel, message) {
      if (LEVELS.indexOf(lineLevel) > limit) return;
      // A message may quote foreign text: it must stay one line.
      const line = `${now()} ${lineLevel} ${message.replace(/[\r\n]+/g, " ").slice(0, 4000)}\n`;
      try {
        if (size === 0) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        if (size > 0 && size + line.length > maxBytes) {
          renameSync(path, `${path}.1`);
          size = 0;
        }
        appendFileSync(path, line, { mode: 0o600 });
        size += Buffer.byteLength(line);
      } catch {
        size = sizeOf(path);
      }
    },
  };
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
