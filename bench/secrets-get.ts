// What a job waits for a credential: one request to a warm broker, over its socket, with a token of its own; the broker verifies
// the token, decides, writes the audit line to the medium, opens the value. Whole round trip, from a process of its own.
// Baselines in the same run, alternating: an append of one audit line with fdatasync; a request that only says it is there.
//   npm run bench -- secrets-get [--requests 1000] [--credentials 1000]
import { spawn } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { askHealth, askResolve } from "../src/secrets/broker-client.ts";
import { createStore } from "../src/secrets/create.ts";
import { startIssuer } from "../src/testing/oidc-issuer.ts";
import { labContext, newVersion, setCredentials } from "../src/testing/secrets-lab.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    requests: { type: "string", default: "1000" },
    credentials: { type: "string", default: "1000" },
    out: { type: "string" },
  },
});
const [requests, credentials] = [Number(values.requests), Number(values.credentials)];
const WARM_UP = 50;
const LINE = Buffer.alloc(420, "x");

const scratch = mkdtempSync(join(tmpdir(), "foregone-get-"));
const folder = join(scratch, "store");
await createStore(labContext(folder), { provider: "file" });
await setCredentials(
  labContext(folder),
  ...Array.from({ length: credentials }, (_, i) => newVersion(`TOKEN_${i}`, `value-of-token-${i}`)),
);
const audience = "foregone-secrets:bench";
const issuer = await startIssuer({ audience });
const socket = join(scratch, "broker/s.sock");
const broker = spawn(process.execPath, [join(process.cwd(), "bin/foregone"), "secrets", "broker", "--socket", socket], {
  env: {
    PATH: process.env["PATH"],
    HOME: scratch,
    FOREGONE_CREDENTIALS_DIR: folder,
    FOREGONE_SECRETS_BROKER_ID: "bench",
    FOREGONE_SECRETS_OIDC_ISSUER: issuer.url,
  },
  stdio: ["ignore", "pipe", "inherit"],
});
await new Promise<void>((resolve, reject) => {
  broker.stdout.once("data", () => resolve());
  broker.once("close", () => reject(new Error("the broker did not start")));
});

// GitHub's to make, not ours.
const tokens = await Promise.all(Array.from({ length: requests + WARM_UP }, () => issuer.token()));
const log = openSync(join(scratch, "baseline.log"), "a");
const series: Record<string, number[]> = { resolve: [], health: [], "append + fdatasync": [] };
const timed = async (name: string, counts: boolean, work: () => unknown): Promise<void> => {
  const from = performance.now();
  await work();
  if (counts) series[name]?.push(performance.now() - from);
};
for (const [i, token] of tokens.entries()) {
  const counts = i >= WARM_UP;
  await timed("append + fdatasync", counts, () => {
    writeSync(log, LINE);
    fdatasyncSync(log);
  });
  await timed("health", counts, () => askHealth(socket));
  await timed("resolve", counts, async () => {
    const { answers } = await askResolve(socket, { names: [`TOKEN_${i % credentials}`], mode: "exec", token });
    const [answer] = answers;
    if (answer === undefined || !("value" in answer)) throw new Error(JSON.stringify(answers));
  });
}
closeSync(log);
broker.kill("SIGTERM");
await new Promise((resolve) => broker.once("close", resolve));
await issuer.close();
rmSync(scratch, { recursive: true });

const at = (list: readonly number[], share: number): number => {
  const sorted = list.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) * 100) / 100;
};
const percentiles = Object.fromEntries(
  Object.entries(series).map(([name, list]) => [name, { p50: at(list, 0.5), p99: at(list, 0.99) }]),
);
const result = {
  requests,
  credentials,
  ms: percentiles,
  p50OfAppend: Math.round((at(series["resolve"] ?? [], 0.5) / at(series["append + fdatasync"] ?? [], 0.5)) * 10) / 10,
  ...machine(),
};
const text = `${JSON.stringify(result, undefined, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
