// inject-credentials, post: what main wrote to disk goes away, however the job ended.
import { rmSync } from "node:fs";
import { FOLDERS_STATE } from "./inject-deliver.ts";
import type { Host } from "./host.ts";

export function post(host: Host): void {
  const folder = host.state(FOLDERS_STATE);
  if (folder === "") return;
  rmSync(folder, { recursive: true, force: true });
  host.log("credentials: files removed");
}
