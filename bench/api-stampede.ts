// N clients ask the same at the same moment, each over a connection of its own: how many calls GitHub sees, beside the same clients
// without the cache in the same run. Exits 1 unless one token makes one call, and N tokens pay for one.
//   npm run bench -- api-stampede [--clients 10,100,1000] [--out FILE]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startApiProxy } from "../src/github/proxy.ts";
import { passingKeys } from "../src/github/state.ts";
import { systemRandom } from "../src/node/ports.ts";
import { diskStore } from "../src/store/disk.ts";
import { openFolder } from "../src/store/folder.ts";
import { diskEffects } from "../src/testing/disk-effects.ts";
import { PROVEN } from "../src/testing/github-engine.ts";
import { GitHubSemantics } from "../src/testing/github-semantics.ts";
import { serveDouble } from "../src/testing/github-server.ts";
import { BODY, OPTIONS, ports } from "./api-latency/times.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { clients: { type: "string", default: "10,100,1000" }, out: { type: "string" } },
});
/** GitHub takes 50 to 300 ms. */
const UPSTREAM_MS = 100;

interface Asked {
  readonly clients: number;
  readonly tokens: number;
  readonly ms: number;
  /** All that reached the upstream, and those of them that cost quota. */
  readonly upstreamCalls: number;
  readonly paidCalls: number;
}

const scratch = mkdtempSync(join(tmpdir(), "foregone-stampede-"));
const semantics = new GitHubSemantics(
  async () => {
    await new Promise((resolve) => setTimeout(resolve, UPSTREAM_MS));
    return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body: BODY };
  },
  { limit: 1e9 },
);
const double = await serveDouble(semantics);
const proxy = await startApiProxy({
  ports,
  doors: { baseUrlPort: 0 },
  keys: passingKeys(systemRandom),
  store: diskStore(openFolder(diskEffects, join(scratch, "store"))),
  ruleFile: PROVEN,
  engine: OPTIONS,
  upstream: { origins: { "api.github.com": double.origin } },
});

function ask(origin: string, path: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `token ${token}`, accept: "application/vnd.github+json" };
    http
      .get(origin + path, { agent: false, headers }, (response) => {
        let bytes = 0;
        response.on("data", (chunk: Buffer) => (bytes += chunk.length));
        response.on("end", () =>
          response.statusCode === 200 && bytes >= BODY.length
            ? resolve()
            : reject(new Error(`status ${response.statusCode}, ${bytes} bytes`)),
        );
      })
      .on("error", reject);
  });
}

/** @param origin of the upstream itself, or of the cache */
async function stampede(origin: string, path: string, clients: number, tokens: number): Promise<Asked> {
  semantics.log.splice(0);
  const from = performance.now();
  await Promise.all(Array.from({ length: clients }, (_, i) => ask(origin, path, `ghs_${i % tokens}`)));
  const ms = Math.round(performance.now() - from);
  return { clients, tokens, ms, upstreamCalls: semantics.log.length, paidCalls: semantics.paid };
}

const rows: { readonly without: Asked; readonly cached: Asked }[] = [];
try {
  const cache = proxy.apiUrl ?? "";
  for (const clients of values.clients.split(",").map(Number))
    for (const tokens of [1, clients]) {
      // A path nobody has asked for; each side has its own.
      const without = await stampede(double.origin, `/repos/o/plain/${clients}/${tokens}`, clients, tokens);
      const cached = await stampede(cache, `/repos/o/cached/${clients}/${tokens}`, clients, tokens);
      rows.push({ without, cached });
      process.stdout.write(
        `${clients} clients, ${tokens} tokens: ${cached.upstreamCalls} calls, ${cached.paidCalls} paid, ${cached.ms} ms; without ${without.upstreamCalls} calls, ${without.paidCalls} paid, ${without.ms} ms\n`,
      );
    }
} finally {
  await proxy.close(0);
  await double.close();
  rmSync(scratch, { recursive: true, force: true });
}
const met = rows.every(({ cached }) => cached.paidCalls === 1 && (cached.tokens > 1 || cached.upstreamCalls === 1));
if (values.out !== undefined)
  writeFileSync(values.out, `${JSON.stringify({ ...machine(), upstreamMs: UPSTREAM_MS, rows, met }, undefined, 2)}\n`);
process.exitCode = met ? 0 : 1;
