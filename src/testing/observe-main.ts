// Runs one command under the unprivileged observer in a process of its own, and prints what it saw as one JSON line on
// descriptor 1: for tests that need another uid, a nested observer, a kill. `node observe-main.js [OPTIONS-JSON] -- CMD...`
import { loadLibc } from "../trace/ffi.ts";
import { createNotifyObserver, type NotifyOptions } from "../trace/notify/observer.ts";
import type { TraceEvent } from "../trace/event.ts";
import type { Observed } from "../trace/observer.ts";

export interface ObservedReport {
  readonly observed: Observed;
  readonly stdout: string;
  readonly stderr: string;
  readonly notices: readonly string[];
  readonly events: readonly TraceEvent[];
}

const split = process.argv.indexOf("--");
const options = JSON.parse(process.argv.slice(2, split)[0] ?? "{}") as NotifyOptions & { readonly quiet?: boolean };
const libc = await loadLibc();
if ("unavailable" in libc) throw new Error(libc.unavailable);
const events: TraceEvent[] = [];
const notices: string[] = [];
const output = { stdout: "", stderr: "" };
const observed = await createNotifyObserver(libc, options).run({
  argv: process.argv.slice(split + 1),
  cwd: process.cwd(),
  env: process.env as Record<string, string>,
  onOutput: (stream, bytes) => void (output[stream] += Buffer.from(bytes).toString("latin1")),
  onEvent: (event) => void events.push(event),
  onNotice: (text) => void notices.push(text),
});
const report: ObservedReport = { observed, ...output, notices, events: options.quiet === true ? [] : events };
process.stdout.write(`${JSON.stringify(report)}\n`);
