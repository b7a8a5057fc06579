// A dashboard with something to show: a store with decisions, a record and panels, served on a free port of loopback.
import { randomBytes } from "node:crypto";
import type { Digest } from "../core/digest.ts";
import type { Observation } from "../core/observation.ts";
import { encodeRecord } from "../core/record-codec.ts";
import type { AgentStatus } from "../agent/daemon.ts";
import type { Panels } from "../dashboard/panels.ts";
import type { WebService } from "../dashboard/server.ts";
import { dashboardService, historyOf } from "../dashboard/wiring.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../node/store-files.ts";
import { appendDecision, decisionLog } from "../store/decisions.ts";
import { diskStore } from "../store/disk.ts";
import { openFolder } from "../store/folder.ts";
import type { SegmentLog } from "../store/segments.ts";
import { sampleDecisions } from "./sample-decisions.ts";
import { sampleRecord, syntheticObservations } from "./sample-record.ts";

export interface DashboardFixture {
  readonly web: WebService;
  readonly token: string;
  readonly log: SegmentLog;
  readonly record: Digest;
  /** With the token in its fragment. */
  readonly url: string;
}

export interface FixtureOptions {
  readonly root: string;
  readonly page: string | undefined;
  readonly decisions: number;
  readonly observations?: number;
  readonly now?: number;
}

const DAY_MS = 86_400_000;

/** Started; the caller stops it. */
export async function dashboardFixture({
  root,
  page,
  decisions,
  observations = 400,
  now,
}: FixtureOptions): Promise<DashboardFixture> {
  const clock = { ...systemClock, ...(now !== undefined && { now: () => now as ReturnType<typeof systemClock.now> }) };
  const folder = openFolder({ files: nodeStoreFiles, hasher: nodeHasher, clock, random: systemRandom }, root);
  const store = diskStore(folder);
  const trace = {
    ...sampleRecord.trace,
    observations: [
      ...sampleRecord.trace.observations,
      ...realisticObservations(),
      ...syntheticObservations(observations, 20),
    ],
  };
  const bytes = encodeRecord({ ...sampleRecord, trace }, nodeDeflate);
  if (bytes === undefined) throw new TypeError("the sample record does not encode");
  const record = await store.blobs.put(bytes);
  const log = decisionLog(folder, 512 * 1024 * 1024);
  const until = clock.now() - 60_000;
  for (const event of sampleDecisions({ count: decisions, until, spanMs: 29 * DAY_MS, record }))
    appendDecision(log, event);
  const history = historyOf(folder);
  for (const sample of sampleHistory(until)) history.add(sample);
  const token = randomBytes(32).toString("base64url");
  const web = dashboardService({
    port: 0,
    token,
    folder,
    store,
    deflate: nodeDeflate,
    clock,
    version: "0.1.0",
    page,
    maxDecisionBytes: 512 * 1024 * 1024,
    history,
    metrics: () => METRICS,
    metricsRoutes: [],
    panels: panelsAt(until),
    agent: () => agentAt(until, root),
  });
  await web.start();
  return { web, token, log, record, url: `${web.address()}/#token=${token}` };
}

/** What a test run of a Node project reads: its sources, packages, the tool cache, the system. */
function realisticObservations(): readonly Observation[] {
  const shape: readonly (readonly [folder: string, files: number, by: string])[] = [
    ["src/parser", 34, "node (vitest)"],
    ["src/report", 21, "node (vitest)"],
    ["src/store", 46, "node (vitest)"],
    ["src/cli/commands", 18, "node (vitest)"],
    ["test/e2e", 40, "node (vitest)"],
    ["test/vectors/config", 63, "node (vitest)"],
    ["node_modules/typescript/lib", 112, "tsc"],
    ["node_modules/vitest/dist/chunks", 87, "node (vitest)"],
    ["node_modules/vite/dist/node", 64, "node (vitest)"],
    ["node_modules/yaml/dist", 51, "node (vitest)"],
    ["$TOOLCACHE/node/20.20.2/x64/lib/node_modules/npm/lib", 73, "npm"],
    ["$HOME/.npm/_cacache/index-v5", 17, "npm"],
    ["/usr/lib/x86_64-linux-gnu", 58, "node"],
    ["/etc", 9, "node"],
    ["/usr/share/zoneinfo", 4, "node"],
  ];
  const words = ["index", "read", "write", "format", "compare", "stream", "lookup", "decode", "entry", "layout"];
  return shape.flatMap(([folder, files, by]) =>
    Array.from({ length: files }, (_, i) => {
      const key = `${folder}/${words[i % 10]}${i < 10 ? "" : `-${Math.floor(i / 10)}`}`;
      if (i % 5 === 4) return { kind: "absent", key: `${key}.mjs`, value: "absent", by } as const;
      return {
        kind: "file",
        key: `${key}.js`,
        value: `644 git-sha1:${nodeHasher.sha256(key).slice(0, 40)}`,
        by,
      } as const;
    }),
  );
}

const METRICS: Readonly<Record<string, number>> = {
  'foregone_decisions_total{kind="skip",basis="exact-tree"}': 1840,
  'foregone_decisions_total{kind="skip",basis="trace"}': 1204,
  'foregone_decisions_total{kind="run",basis="none"}': 1563,
  foregone_saved_seconds_total: 412_800,
  'foregone_audits_total{result="same"}': 61,
  foregone_trace_seconds_total: 3120,
  'foregone_api_requests_total{outcome="paid"}': 9204,
  'foregone_api_requests_total{outcome="certified"}': 71_220,
  'foregone_api_requests_total{outcome="fresh"}': 20_118,
  foregone_api_peer_hits_total: 12_402,
  foregone_peers_connected: 3,
  'foregone_codeql_scans_total{outcome="stored"}': 45,
  'foregone_codeql_scans_total{outcome="retrieved"}': 42,
  'foregone_codeql_scans_total{outcome="skipped"}': 38,
  foregone_codeql_saved_seconds_total: 11_520,
  'foregone_credentials{state="active"}': 12,
  'foregone_credentials{state="expired"}': 2,
  'foregone_credential_accesses_total{decision="granted"}': 453,
  'foregone_credential_accesses_total{decision="denied"}': 3,
  'foregone_store_operations_total{layer="memory",operation="get",found="true"}': 91_204,
  'foregone_store_operations_total{layer="memory",operation="get",found="false"}': 4401,
  'foregone_store_operations_total{layer="disk",operation="get",found="true"}': 4210,
  'foregone_store_seconds_total{layer="memory",operation="get"}': 0.61,
  'foregone_store_seconds_total{layer="disk",operation="get"}': 0.72,
  'foregone_store_bytes_total{layer="disk",operation="get"}': 812_000_000,
};

function* sampleHistory(until: number): Generator<{ t: number; v: Record<string, number> }> {
  for (let i = 0; i < 24 * 60; i += 2) {
    const paid = Math.round(i * 3.1);
    yield {
      t: until - (24 * 60 - i) * 60_000,
      v: {
        'foregone_api_requests_total{outcome="paid"}': paid,
        'foregone_api_requests_total{outcome="certified"}': Math.round(i * 21 + 400 * Math.sin(i / 90)),
        'foregone_api_requests_total{outcome="fresh"}': Math.round(i * 7),
        'foregone_api_quota_remaining{resource="core"}': 5000 - Math.round((i % 60) * (18 + 10 * Math.sin(i / 200))),
        'foregone_api_quota_remaining{resource="graphql"}': 5000 - (i % 60) * 4,
      },
    };
  }
}

function panelsAt(now: number): Panels {
  return {
    quota: async () => ({
      quotas: [
        { resource: "core", limit: 5000, remaining: 4982, resetAt: now + 1_400_000 },
        { resource: "graphql", limit: 5000, remaining: 4870, resetAt: now + 1_400_000 },
      ],
      operations: [
        { operation: "get_workflow_runs", paid: 2210, saved: 40_121 },
        { operation: "status", paid: 1904, saved: 28_114 },
        { operation: "get_repo_info", paid: 120, saved: 5603 },
      ],
      rules: [{ for: "api.github.com json", verdict: "proven", matches: 4812, mismatches: 0 }],
    }),
    scans: async () => ({
      events: [
        { at: now - 200_000, scan: "codeql javascript", kind: "skipped", commit: "3f2c1ab0d1", savedMs: 303_000 },
        { at: now - 210_000, scan: "codeql javascript", kind: "hit", commit: "3f2c1ab0d1" },
        { at: now - 4_000_000, scan: "eslint", kind: "stored", commit: "9be0017441" },
        { at: now - 4_100_000, scan: "eslint", kind: "miss", reason: "changed" },
      ],
      misses: { changed: 41, "no-record": 4 },
      audits: 2,
      falseSkips: 0,
    }),
    peers: async () => ({
      self: {
        id: "12D3KooWJ7..f2Qx",
        network: "github.com/acme/shop",
        role: "ring node (3 known)",
        addresses: ["10.0.4.17:9000"],
      },
      peers: [
        {
          id: "12D3KooWQk..91ab",
          address: "10.0.4.21:9000",
          role: "ring",
          rttMs: 0.4,
          asked: 1377,
          hits: 1204,
          served: 988,
          state: "up 2 h 3 min",
        },
        {
          id: "12D3KooWZz..03ef",
          address: "10.0.4.44:9000",
          role: "ring",
          rttMs: null,
          asked: 17,
          hits: 0,
          served: 0,
          state: "resting: 3 time-outs, next try in 24 s",
        },
      ],
    }),
    credentials: async () => ({
      credentials: [
        {
          name: "DEPLOY_TOKEN",
          scope: "environment:acme/shop:production",
          version: 4,
          state: "active",
          expiresAt: now + 5 * 3_600_000,
        },
        { name: "NPM_TOKEN", scope: "repo:acme/shop", version: 2, state: "active", expiresAt: now + 12 * DAY_MS },
        { name: "OLD_KEY", scope: "repo:acme/shop", version: 1, state: "expired", expiresAt: now - DAY_MS },
      ],
      audit: [
        {
          seq: 7,
          at: now - 300_000,
          action: "resolve",
          names: ["NPM_TOKEN"],
          decision: "denied",
          reasons: ["condition-failed ref=refs/heads/x"],
          actor: "oidc acme/evil(789) run 4711.1",
        },
        {
          seq: 6,
          at: now - 900_000,
          action: "resolve",
          names: ["DEPLOY_TOKEN"],
          decision: "granted",
          reasons: [],
          actor: "oidc acme/shop(456) run 9182.1",
        },
      ],
    }),
  };
}

function agentAt(now: number, store: string): AgentStatus {
  return {
    version: "0.1.0",
    pid: 4121,
    store,
    socket: "/run/user/1000/foregone/agent.sock",
    startedAt: now - 7_860_000,
    upMs: 7_860_000,
    rssBytes: 71_000_000,
    services: {
      store: { state: "up", detail: "memory 48 of 64 MB, disk 1.2 of 5.0 GB" },
      api: { state: "up", detail: "socket and 127.0.0.1:41873" },
      broker: { state: "off", detail: "no credential store" },
      tracer: { state: "failed", detail: "bpf: EPERM" },
      dashboard: { state: "up", detail: "http://127.0.0.1:9464" },
    },
  };
}
