// setup-github-cache, post: says what was saved, and ends what main started.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { askRunning } from "../cli/api/client.ts";
import { closingLine } from "../cli/api/words.ts";
import type { ApiStatus } from "../github/proxy.ts";
import { peerCount, STATE } from "./github-cache-main.ts";
import { savePack } from "./github-cache-persist.ts";
import { endDaemon, SOCKETS } from "./github-cache-process.ts";
import type { Host } from "./host.ts";

export async function post(host: Host): Promise<void> {
  const folder = host.state(STATE.folder);
  if (folder === "") return;
  let learned = false;
  try {
    const status = (await askRunning(join(folder, SOCKETS.api), "GET", "status")) as ApiStatus | { standIn: true };
    if ("standIn" in status)
      host.annotate("notice", "the GitHub API cache died during the job; later steps asked GitHub directly");
    else {
      learned = status.stats.paid > 0;
      summarise(host, status, await peerCount(folder));
    }
  } catch (error) {
    host.annotate(
      "notice",
      `the GitHub API cache was gone before its job ended: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    await endDaemon(Number(host.state(STATE.pid)));
    rmSync(folder, { recursive: true, force: true });
  }
  const name = host.state(STATE.pack);
  if (name === "" || !learned) return;
  // Everything is on disk since the agent ended.
  const perKey = Number(host.state(STATE.perKey));
  host.log(`GitHub API cache: ${await savePack(host.env, host.state(STATE.store), name, { perKey })}`);
}

function summarise(host: Host, status: ApiStatus, peers: number): void {
  const { stats } = status;
  host.log(closingLine(status));
  if (stats.reads === 0) return;
  const saved = stats.reads - stats.paid;
  const rows = Object.entries(stats.byOperation)
    .sort(([, a], [, b]) => b.paid + b.saved - a.paid - a.saved)
    .map(([name, { paid, saved: free }]) => `| ${name.replaceAll("_", " ")} | ${paid + free} | ${paid} | ${free} |`);
  host.summary(
    [
      `### Foregone: ${saved} of ${stats.reads} GitHub reads cost no quota`,
      "",
      `${closingLine(status)}; ${stats.writes} writes; ${peers} peers.`,
      "",
      "| reads | asked | paid | free |",
      "|---|---|---|---|",
      ...rows,
    ].join("\n"),
  );
}
