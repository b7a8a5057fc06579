// The root action, post.
import type { Host } from "../host.ts";

export async function post(host: Host): Promise<void> {
  if (host.state("mode") !== "job") return;
}
