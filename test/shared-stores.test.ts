// Two machines (stores of their own) that share Redis or S3: what one ran, the other skips, if it may believe it. The command line
// in processes of its own, real servers.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Route, route, sendJson } from "../src/agent/routes.ts";
import { storeService } from "../src/agent/store-service.ts";
import { nodeHasher } from "../src/node/ports.ts";
import { memoryStore } from "../src/store/memory.ts";
import { signingKey } from "../src/store/signed.ts";
import { type Child, childOf, type Finished } from "../src/testing/child.ts";
import { freePort, redisMissing, type RedisServer, redisServer } from "../src/testing/redis-server.ts";
import { type S3Server, s3Server } from "../src/testing/s3-server.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

const SEED = Buffer.alloc(32, 7);
const PUBLIC = Buffer.from(signingKey(SEED).publicKey).toString("base64url");
const SECRET = "5a".repeat(32);
const KEY = { FOREGONE_SIGNING_KEY: SEED.toString("hex") };

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
});
afterAll(() => child[Symbol.dispose]());

interface Lab {
  /** `foregone` on one of the machines, in the one workspace. */
  readonly run: (machine: string, env: Record<string, string>, ...argv: readonly string[]) => Promise<Finished>;
}

function lab(shared: string, more: Record<string, string> = {}): Lab {
  const root = temporaryFolder();
  const workspace = join(root, "work");
  mkdirSync(workspace);
  writeFileSync(join(workspace, "in.txt"), "one\n");
  const git = (...argv: readonly string[]): void =>
    void execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.example", ...argv], { cwd: workspace });
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "one");
  return {
    run: (machine, env, ...argv) =>
      child.runWith(
        {
          cwd: workspace,
          env: {
            PATH: process.env["PATH"] ?? "",
            HOME: root,
            FOREGONE_CACHE_DIR: join(root, machine),
            FOREGONE_STORE_SHARED: shared,
            FOREGONE_MESH_SECRET: SECRET,
            FOREGONE_P2P_NETWORK_NETWORK_ID: "github.com/acme/shop",
            FOREGONE_STORE_TRUSTED_KEYS: PUBLIC,
            FOREGONE_SKIP_AUDIT: "0",
            RUNNER_ENVIRONMENT: "github-hosted",
            ...more,
            ...env,
          },
        },
        ...argv,
      ),
  };
}

// Unobserved, on a throw-away machine and on the very same tree: what is shared of a record is the same under every observer.
const UNSEEN = ["--backend", "none", "--outputs", "none"];
const COMMAND = ["run", ...UNSEEN, "--", "cat", "in.txt"];

function skipped({ code, stdout, stderr }: Finished): boolean {
  expect([code, stdout]).toEqual([0, "one\n"]);
  return /^foregone: skip: /m.test(stderr);
}

describe.each([
  ["Redis", redisMissing],
  ["S3", undefined],
])("%s as a shared store", (engine, missing) => {
  let redis: RedisServer | undefined;
  let s3: S3Server | undefined;
  let url = "";
  beforeAll(async () => {
    if (missing !== undefined) return;
    if (engine === "Redis") {
      redis = await redisServer(["requirepass hunter2"]);
      url = `redis://:hunter2@127.0.0.1:${redis.address.port}`;
    } else {
      s3 = await s3Server();
      url = s3.address.endpoint.replace("http://", "http://S3RVER:S3RVER@");
    }
  });
  afterAll(async () => {
    await redis?.[Symbol.asyncDispose]();
    await s3?.[Symbol.asyncDispose]();
  });

  test("serves on one machine what another ran and signed", async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const { run } = lab(url, { X: "served" });
    expect(skipped(await run("a", KEY, ...COMMAND))).toBe(false);
    const second = await run("b", {}, ...COMMAND);
    expect(second.stderr).toMatch(/^foregone: skip: /m);
    expect(skipped(second)).toBe(true);
    const check = await run("c", {}, "check", ...COMMAND.slice(1));
    expect([check.code, check.stderr]).toEqual([0, ""]);
  });

  test("is not believed where nobody signed, nor where a stranger did", async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const { run } = lab(url, { X: "forged" });
    const hostile = { FOREGONE_STORE_TRUST: "members" };
    expect(skipped(await run("a", hostile, ...COMMAND))).toBe(false);
    expect(skipped(await run("b", { FOREGONE_SIGNING_KEY: "11".repeat(32) }, ...COMMAND))).toBe(false);
    const main = await run("c", {}, ...COMMAND);
    expect(skipped(main)).toBe(false);
    expect(main.stderr).toContain("2 entries of this command signed by no key of store.trusted-keys");
    // Where all members are believed, either serves.
    expect(skipped(await run("d", hostile, ...COMMAND))).toBe(true);
  });

  test("keeps apart who has another secret, or another network", async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const { run } = lab(url, { X: "apart" });
    expect(skipped(await run("a", KEY, ...COMMAND))).toBe(false);
    expect(skipped(await run("b", { FOREGONE_MESH_SECRET: "5b".repeat(32) }, ...COMMAND))).toBe(false);
    expect(skipped(await run("c", { FOREGONE_P2P_NETWORK_NETWORK_ID: "github.com/acme/x" }, ...COMMAND))).toBe(false);
  });

  test("is not written by a pull request's job, even with the key", async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const { run } = lab(url, { X: "policy" });
    const job = { GITHUB_ACTIONS: "true", GITHUB_REF: "refs/pull/7/merge", GITHUB_EVENT_NAME: "pull_request" };
    expect(skipped(await run("a", { ...KEY, ...job }, ...COMMAND))).toBe(false);
    expect(skipped(await run("b", KEY, ...COMMAND))).toBe(false);
  });
});

test.each([
  [
    "nobody listens",
    (port: number) => `redis://:hunter2@127.0.0.1:${port}`,
    "redis: nobody listens there; went on without it",
  ],
  [
    "nobody listens",
    (port: number) => `http://u:hunter2@127.0.0.1:${port}/store`,
    "s3: nobody listens there; went on without it",
  ],
  [
    "the URL is wrong",
    () => "redis://:hunter2@127.0.0.1/x",
    "store.shared: redis://127.0.0.1/x: want redis://host:port/database",
  ],
])("%s: the command runs, its exit code stands, one line says it, no password is told", async (_name, url, line) => {
  const { run } = lab(url(await freePort()));
  const { code, stdout, stderr } = await run(
    "a",
    KEY,
    "run",
    "--backend",
    "none",
    "--",
    "sh",
    "-c",
    "cat in.txt; exit 7",
  );
  expect([code, stdout]).toEqual([7, "one\n"]);
  expect(stderr.split("\n")).toContain(`foregone: ${line}`);
  expect(stderr).not.toContain("hunter2");
});

test("without a secret shared stores are off, with one line that says how to mend it", async () => {
  const { run } = lab("redis://127.0.0.1:1");
  const { code, stderr } = await run("a", { FOREGONE_MESH_SECRET: "" }, ...COMMAND);
  expect(code).toBe(0);
  expect(stderr).toContain("foregone: store.shared needs FOREGONE_MESH_SECRET; mend: foregone shared new-key\n");
});

describe("an agent whose peers are up", () => {
  /** The agent's socket as commands see it, over a store in memory in place of peers. */
  async function agent(peers: "up" | "off"): Promise<{ readonly socket: string; readonly asked: string[] }> {
    const store = memoryStore(nodeHasher, 1 << 24);
    const status = { services: { peers: { state: peers } } };
    const routes: readonly Route[] = [
      ...(storeService({ store, hasher: nodeHasher }).routes ?? []),
      { method: "GET", path: "/v1/status", handle: ({ response }) => sendJson(response, 200, status) },
    ];
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.split("/").slice(0, 3).join("/")}`);
      void route(routes, request, response);
    });
    const socket = join(temporaryFolder(), "agent.sock");
    await new Promise<void>((done) => server.listen(socket, done));
    onTestFinished(() => void server.close());
    return { socket, asked };
  }

  test("is asked below the disk, and keeps what a command of the main branch ran", async () => {
    const { socket, asked } = await agent("up");
    const { run } = lab("", { FOREGONE_AGENT_SOCKET: socket });
    expect(skipped(await run("a", {}, ...COMMAND))).toBe(false);
    expect(skipped(await run("b", {}, ...COMMAND))).toBe(true);
    expect(asked).toContain("POST /v1/records");
  });

  test("is only read by the job of a pull request", async () => {
    const { socket, asked } = await agent("up");
    const { run } = lab("", { FOREGONE_AGENT_SOCKET: socket });
    const job = { GITHUB_ACTIONS: "true", GITHUB_REF: "refs/pull/7/merge", GITHUB_EVENT_NAME: "pull_request" };
    expect(skipped(await run("a", job, ...COMMAND))).toBe(false);
    expect(asked.filter((what) => /POST .*(?:blobs|records)/.test(what))).toEqual([]);
  });

  test("is left alone without peers", async () => {
    const { socket, asked } = await agent("off");
    const { run } = lab("", { FOREGONE_AGENT_SOCKET: socket });
    expect(skipped(await run("a", {}, ...COMMAND))).toBe(false);
    expect(new Set(asked)).toEqual(new Set(["GET /v1/status"]));
  });
});
