// An agent under mixed load for half an hour: API reads through its proxy, decisions and counters by other processes' hands, blobs
// over its socket, an open dashboard. Fails on any error, and if memory still grows in the second half.
//   npm run build && npm run bench -- soak [--minutes 30] [--out FILE]
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { askAgent } from "../src/agent/client.ts";
import { askSocket } from "../src/cli/api/client.ts";
import { nodeHasher, systemClock, systemRandom } from "../src/node/ports.ts";
import { nodeStoreFiles } from "../src/node/store-files.ts";
import { decisionCounts } from "../src/report/count.ts";
import { Counters } from "../src/store/counters.ts";
import { appendDecision, decisionLog } from "../src/store/decisions.ts";
import { openFolder } from "../src/store/folder.ts";
import { GitHubSemantics } from "../src/testing/github-semantics.ts";
import { serveDouble } from "../src/testing/github-server.ts";
import { GitHubTable } from "../src/testing/github-table.ts";
import { sampleDecisions } from "../src/testing/sample-decisions.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { minutes: { type: "string", default: "30" }, out: { type: "string" } },
});
const endsAt = performance.now() + Number(values.minutes) * 60_000;
const BIN = join(process.cwd(), "bin/foregone");
const root = mkdtempSync(join(tmpdir(), "foregone-soak-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, "run"), { mode: 0o700 });
const table = new GitHubTable();
for (let i = 0; i < 200; i++) table.set(`/repos/octo/r${i}`, { id: i, name: `r${i}`, text: "x".repeat(2000) });
const double = await serveDouble(new GitHubSemantics(table.origin));
const env = {
  ...process.env,
  HOME: root,
  FOREGONE_CACHE_DIR: join(root, "store"),
  XDG_RUNTIME_DIR: join(root, "run"),
  FOREGONE_AGENT_PORT: "0",
  FOREGONE_API_UPSTREAMS: JSON.stringify({ "api.github.com": double.origin }),
};
const foregone = (...args: string[]): string =>
  execFileSync(process.execPath, [BIN, ...args], { cwd: root, env, encoding: "utf8" });
foregone("agent", "start");
const { pid, socket, services } = JSON.parse(foregone("agent", "status", "--json")) as {
  pid: number;
  socket: string;
  services: Record<string, { detail?: string }>;
};
const apiSocket = /\S+api\.sock/.exec(services["api"]?.detail ?? "")?.[0] ?? "";
const url = new URL(foregone("dashboard", "--print").trim());
const headers = { authorization: `Bearer ${url.hash.replace("#token=", "")}` };
const folder = openFolder(
  { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom },
  join(root, "store"),
);
const log = decisionLog(folder, 256 * 1024 * 1024);
const counters = new Counters(folder);

const counts = { api: 0, decisions: 0, blobs: 0, pages: 0 };
const errors: string[] = [];
const running = (): boolean => performance.now() < endsAt && errors.length < 20;
const want = (ok: boolean, what: string): void => void (ok || errors.push(what));

async function apiLoad(): Promise<void> {
  for (; running(); counts.api++) {
    const answer = await askSocket(apiSocket, {
      method: "GET",
      path: `/repos/octo/r${counts.api % 200}`,
      headers: { host: "api.github.com", authorization: `token t${counts.api % 3}` },
    });
    want(answer?.status === 200, `api ${answer?.status}`);
  }
}
async function decisionLoad(): Promise<void> {
  while (running()) {
    for (const event of sampleDecisions({ count: 20, until: Date.now(), spanMs: 1000, seed: counts.decisions })) {
      want(appendDecision(log, event), "decision not written");
      for (const [series, delta] of decisionCounts(event)) counters.add(series, delta);
      counts.decisions++;
    }
    want(await counters.flush(), "counters not written");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
async function blobLoad(): Promise<void> {
  for (; running(); counts.blobs++) {
    const bytes = Buffer.from(`${counts.blobs} ${"y".repeat(20_000)}`);
    const path = `/v1/blobs/sha256:${nodeHasher.sha256(bytes)}`;
    want((await askAgent(socket, { method: "POST", path, body: bytes }))?.status === 200, "blob not taken");
    want((await askAgent(socket, { path }))?.body.equals(bytes) === true, "blob not given");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
async function pageLoad(): Promise<void> {
  for (; running(); counts.pages++) {
    for (const path of ["/api/summary", "/api/decisions", "/api/timeline?hours=24", "/api/commands", "/metrics"]) {
      const response = await fetch(url.origin + path, { headers });
      await response.arrayBuffer();
      want(response.status === 200, `${path} ${response.status}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
const rss: { readonly minute: number; readonly mb: number }[] = [];
async function watch(): Promise<void> {
  const from = performance.now();
  while (running()) {
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    rss.push({ minute: (performance.now() - from) / 60_000, mb: kilobytes / 1024 });
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
}
await Promise.all([apiLoad(), decisionLoad(), blobLoad(), pageLoad(), watch()]);
const logText = readFileSync(join(root, "store/agent/agent.log"), "utf8");
for (const line of logText.split("\n")) if (/ (?:error|warning) /.test(line)) errors.push(line);
foregone("agent", "stop");
await double.close();

const highest = (from: number, to: number): number =>
  Math.max(...rss.slice(Math.floor(rss.length * from), Math.ceil(rss.length * to)).map((each) => each.mb));
const [third, last] = [highest(0.5, 0.75), highest(0.75, 1)];
// 64 MiB of memory layer each for store and API, an index of decisions, and what the collector has not yet given back.
const BOUND_MB = 400;
const result = {
  ...machine(),
  counts,
  errors,
  rssMb: { first: rss[0]?.mb, thirdQuarter: third, lastQuarter: last, bound: BOUND_MB },
  grows: last > third * 1.1,
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
if (errors.length > 0 || result.grows || last > BOUND_MB) process.exitCode = 1;
