// The root action, main: wraps one command (step mode), or decides for the rest of the job (job mode).
import { sizeOf } from "./own-folder.ts";
import { type SharedLog, sharedLog } from "./log-lines.ts";
import type { Host } from "../host.ts";
import { readInputs } from "./inputs.ts";
import { jobMode } from "./job-mode.ts";
import { stepMode } from "./step-mode.ts";

/** The runner drops a summary above 1 MiB whole: ours must not be what makes it so. */
const MAX_SUMMARY_BYTES = 1024 * 1024 - 64 * 1024;

/** @returns the exit code */
export async function main(runner: Host): Promise<number> {
  const { stdout, stderr } = process;
  const shared = sharedLog(runner, {
    stdout: (bytes) => void stdout.write(bytes),
    stderr: (bytes) => void stderr.write(bytes),
  });
  const host: SharedLog = {
    ...shared,
    summary(markdown) {
      if (sizeOf(runner.env["GITHUB_STEP_SUMMARY"]) < MAX_SUMMARY_BYTES) runner.summary(markdown);
    },
  };
  // Written first: whatever happens later, guarded steps have an answer.
  host.output("skip", "false");
  host.output("record", "");
  host.output("saved-seconds", "0");
  const inputs = readInputs(host);
  if ("mistake" in inputs) {
    host.output("reason", "error");
    host.annotate("error", inputs.mistake);
    return 1;
  }
  if (inputs.run === "") return jobMode(host, inputs);
  try {
    return await stepMode(host, inputs);
  } catch (error) {
    // The command could not be laid out, or nobody knows how it ended: neither may pass for a success.
    host.annotate("error", `the command has no result: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
