// The root action, post: hands on what a step recorded; in job mode, the last step.
import { effects } from "../../cli/wiring.ts";
import type { Host } from "../host.ts";
import { readInputs } from "./inputs.ts";
import { jobContext } from "./job-context.ts";
import { jobPost } from "./job-post.ts";
import { loadRecorded, publish } from "./publishing.ts";
import { oneLine } from "./words.ts";
import { wireAction } from "./wiring.ts";

export async function post(host: Host): Promise<void> {
  if (host.state("mode") === "job") return jobPost(host);
  const recorded = loadRecorded(host);
  const inputs = readInputs(host);
  if (recorded === undefined || "mistake" in inputs) return;
  try {
    const cwd = host.env["GITHUB_WORKSPACE"] ?? process.cwd();
    const job = jobContext(host, inputs.token, cwd, effects.runner);
    const parts = { host, inputs, job, argv: [], cwd, env: {}, declared: [], mode: "step" as const };
    const { remote, disk } = await wireAction(parts);
    await publish(host, remote, disk, recorded);
  } catch (error) {
    host.log(`Foregone: not uploaded: ${oneLine(error instanceof Error ? error.message : String(error))}`);
  }
}
