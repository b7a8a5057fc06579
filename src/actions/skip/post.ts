// The root action, post: in job mode, the last step.
import type { Host } from "../host.ts";
import { jobPost } from "./job-post.ts";

export async function post(host: Host): Promise<void> {
  if (host.state("mode") === "job") await jobPost(host);
}
