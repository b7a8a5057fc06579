// Two machines (stores of their own) that share Redis or S3: what one scanned, the other replays for its own commit, if it may believe
// it. The command line in processes of its own, real servers; the scanner is a script that counts its runs.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Log } from "sarif";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { canonicalSarif } from "../src/codeql/sarif/canonical.ts";
import { type Route, route, sendJson } from "../src/agent/routes.ts";
import { storeService } from "../src/agent/store-service.ts";
import { nodeHasher, systemRandom } from "../src/node/ports.ts";
import { memoryStore } from "../src/store/memory.ts";
import { signingKey } from "../src/store/signed.ts";
import type { Store } from "../src/store/store.ts";
import { unvouched } from "../src/testing/unvouched.ts";
import { type Child, childOf, type Finished } from "../src/testing/child.ts";
import { rawServer } from "../src/testing/raw-server.ts";
import { freePort, redisMissing, type RedisServer, redisServer } from "../src/testing/redis-server.ts";
import { type S3Server, s3Server } from "../src/testing/s3-server.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

const SEED = Buffer.alloc(32, 7);
const PUBLIC = Buffer.from(signingKey(SEED).publicKey).toString("base64url");
const SECRET = "5a".repeat(32);
const KEY = { FOREGONE_SIGNING_KEY: SEED.toString("hex") };
const PULL = { GITHUB_ACTIONS: "true", GITHUB_REF: "refs/pull/7/merge", GITHUB_EVENT_NAME: "pull_request" };

const SCANNER = `#!/bin/sh
if [ "$1" = --version ]; then echo 2.0.19; exit; fi
echo x >> "$SCANS"
cat "$SARIF"
`;

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
});
afterAll(() => child[Symbol.dispose]());

function log(text: string): Log {
  const region = { startLine: 1 };
  const locations = [{ physicalLocation: { artifactLocation: { uri: "a.c" }, region } }];
  return {
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "Flawfinder", version: "2.0.19", rules: [{ id: "FF1" }] } },
        versionControlProvenance: [{ repositoryUri: "https://github.com/acme/shop", revisionId: "0".repeat(40) }],
        results: [{ ruleId: "FF1", level: "warning", message: { text }, locations }],
      },
    ],
  } as Log;
}

/** One repository, and any number of machines that scan it. */
class Fleet {
  readonly root = temporaryFolder();
  readonly workspace = join(this.root, "work");
  readonly #scans = join(this.root, "scans");
  readonly #env: Readonly<Record<string, string>>;

  /** @param network of this repository, so that tests on one server do not meet */
  constructor(shared: string, network: string, more: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.workspace);
    mkdirSync(join(this.root, "bin"));
    writeFileSync(join(this.root, "bin/flawfinder"), SCANNER);
    chmodSync(join(this.root, "bin/flawfinder"), 0o755);
    this.finds("one");
    this.git("init", "-q", "-b", "main");
    this.git("remote", "add", "origin", "https://github.com/acme/shop.git");
    this.edit("a.c", "strcpy(a, b);\n");
    this.#env = {
      PATH: `${join(this.root, "bin")}:${process.env["PATH"] ?? ""}`,
      HOME: this.root,
      SCANS: this.#scans,
      SARIF: join(this.root, "scan.sarif"),
      FOREGONE_STORE_SHARED: shared,
      FOREGONE_MESH_SECRET: SECRET,
      FOREGONE_P2P_NETWORK_NETWORK_ID: network,
      FOREGONE_STORE_TRUSTED_KEYS: PUBLIC,
      FOREGONE_CODEQL_AUDIT: "0",
      ...more,
    };
  }

  git(...argv: readonly string[]): string {
    const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"];
    return execFileSync("git", [...identity, ...argv], { cwd: this.workspace, encoding: "utf8" }).trim();
  }

  edit(path: string, text: string): void {
    writeFileSync(join(this.workspace, path), text);
    this.git("add", ".");
    this.git("commit", "-qm", "x");
  }

  /** What the scanner says from now on. */
  finds(text: string): void {
    writeFileSync(join(this.root, "scan.sarif"), JSON.stringify(log(text)));
  }

  get scans(): number {
    return existsSync(this.#scans) ? readFileSync(this.#scans, "utf8").length / 2 : 0;
  }

  run(machine: string, env: Readonly<Record<string, string>>, ...argv: readonly string[]): Promise<Finished> {
    const own = { ...this.#env, FOREGONE_CACHE_DIR: join(this.root, machine), ...env };
    return child.runWith({ cwd: this.workspace, env: own }, ...argv);
  }

  /** @returns what it says, and whether the scanner ran */
  async scan(machine: string, env: Readonly<Record<string, string>> = {}) {
    const before = this.scans;
    const { code, stdout, stderr } = await this.run(machine, env, "sarif", "run", "--", "flawfinder", "--sarif", ".");
    if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
    return { ran: this.scans > before, stderr, sarif: JSON.parse(stdout) as Log };
  }
}

let networks = 0;
const network = (): string => `github.com/acme/shop${networks++}`;

describe.each([
  ["Redis", redisMissing],
  ["S3", undefined],
])("%s as a shared store of scans", (engine, missing) => {
  let redis: RedisServer | undefined;
  let s3: S3Server | undefined;
  let url = "";
  beforeAll(async () => {
    if (missing !== undefined) return;
    if (engine === "Redis") {
      redis = await redisServer();
      url = `redis://127.0.0.1:${redis.address.port}`;
    } else {
      s3 = await s3Server();
      url = s3.address.endpoint.replace("http://", "http://S3RVER:S3RVER@");
    }
  });
  afterAll(async () => {
    await redis?.[Symbol.asyncDispose]();
    await s3?.[Symbol.asyncDispose]();
  });

  test("a scan that one machine made and signed is the true SARIF of another machine's commit", async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const fleet = new Fleet(url, network());
    expect(await fleet.scan("a", KEY)).toMatchObject({ ran: true });
    fleet.edit("README.md", "# not read\n");
    const head = fleet.git("rev-parse", "HEAD");
    const second = await fleet.scan("b");
    expect(second, second.stderr).toMatchObject({ ran: false });
    expect(second.stderr).toMatch(/^foregone: skip: flawfinder, recorded as .*1 alert replayed/m);
    expect(second.sarif.runs[0]?.versionControlProvenance?.[0]?.revisionId).toBe(head);
    // A fresh scan of that commit, elsewhere.
    const fresh = await fleet.scan("c", { FOREGONE_STORE_SHARED: "" });
    expect(fresh.ran).toBe(true);
    const provenance = { ...fresh.sarif.runs[0]?.versionControlProvenance?.[0], revisionId: head };
    Object.assign(fresh.sarif.runs[0] ?? {}, { versionControlProvenance: [provenance] });
    expect(canonicalSarif(second.sarif)).toBe(canonicalSarif(normalised(fresh.sarif, second.sarif)));
    // A relevant change is named, and scanned.
    fleet.edit("a.c", "strcpy(a, c);\n");
    const changed = await fleet.scan("b");
    expect(changed.ran).toBe(true);
    expect(changed.stderr).toContain("changed source a.c");
  });

  test("is not believed where nobody signed, nor where a stranger did; it is told, and the scan runs", async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const fleet = new Fleet(url, network());
    const members = { FOREGONE_STORE_TRUST: "members" };
    expect(await fleet.scan("a", members)).toMatchObject({ ran: true });
    expect(await fleet.scan("b", { FOREGONE_SIGNING_KEY: "11".repeat(32) })).toMatchObject({ ran: true });
    const main = await fleet.scan("c");
    expect(main).toMatchObject({ ran: true });
    expect(main.stderr).toContain("signed by no key of store.trusted-keys");
    // Where all members are believed, either serves.
    expect(await fleet.scan("d", members)).toMatchObject({ ran: false });
  });

  test("a mark of one machine reaches all", async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const fleet = new Fleet(url, network());
    await fleet.scan("a", KEY);
    expect((await fleet.run("b", {}, "codeql", "invalidate", "--all")).stdout).toBe("1 record disowned\n");
    const next = await fleet.scan("c");
    expect(next).toMatchObject({ ran: true });
    expect(next.stderr).toContain("disowned");
  });
});

describe("Redis", () => {
  let redis: RedisServer;
  let url = "";
  beforeAll(async () => {
    if (redisMissing !== undefined) return;
    redis = await redisServer();
    url = `redis://127.0.0.1:${redis.address.port}`;
  });
  afterAll(() => redisMissing === undefined && redis[Symbol.asyncDispose]());

  test("keeps apart who has another secret, or another network", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const fleet = new Fleet(url, network());
    expect(await fleet.scan("a", KEY)).toMatchObject({ ran: true });
    expect(await fleet.scan("b", { FOREGONE_MESH_SECRET: "5b".repeat(32) })).toMatchObject({ ran: true });
    expect(await fleet.scan("c", { FOREGONE_P2P_NETWORK_NETWORK_ID: network() })).toMatchObject({ ran: true });
  });

  test("is not written by a pull request's job nor by a second attempt, even with the key", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const fleet = new Fleet(url, network());
    expect(await fleet.scan("a", { ...KEY, ...PULL })).toMatchObject({ ran: true });
    const again = { GITHUB_EVENT_NAME: "push", GITHUB_REF_PROTECTED: "true", GITHUB_RUN_ATTEMPT: "2" };
    expect(await fleet.scan("b", { ...KEY, ...PULL, ...again })).toMatchObject({ ran: true });
    const next = await fleet.scan("c");
    expect(next).toMatchObject({ ran: true });
    expect(next.stderr).toContain("run    flawfinder   no record of this scan");
  });

  test("who made it is asked of the record, too: a protected branch's scan serves no other tree elsewhere", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const fleet = new Fleet(url, network());
    const payload = join(fleet.root, "event.json");
    writeFileSync(payload, JSON.stringify({ repository: { default_branch: "main" } }));
    const job = { GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: payload };
    const old = { ...job, GITHUB_REF: "refs/heads/release/1", GITHUB_REF_PROTECTED: "true" };
    const main = { ...job, GITHUB_REF: "refs/heads/main" };
    expect(await fleet.scan("a", { ...KEY, ...old })).toMatchObject({ ran: true });
    fleet.edit("README.md", "# other tree\n");
    const other = await fleet.scan("b", main);
    expect(other).toMatchObject({ ran: true });
    expect(other.stderr).toContain("made on refs/heads/release/1, which may serve another tree only there");
    expect(await fleet.scan("c", old)).toMatchObject({ ran: false });
    // What main signs serves everybody.
    expect(await fleet.scan("d", { ...KEY, ...main })).toMatchObject({ ran: true });
    expect(await fleet.scan("e", { ...PULL, GITHUB_EVENT_PATH: payload })).toMatchObject({ ran: false });
  });

  test("a value that was tampered with is not used, and told", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const fleet = new Fleet(url, network());
    await fleet.scan("a", KEY);
    const { Redis } = await import("ioredis");
    const bare = new Redis(redis.address.port, "127.0.0.1");
    onTestFinished(() => bare.disconnect());
    for (const key of await bare.keys("foregone/*/blobs/*")) await bare.setrange(key, 30, "XXXX");
    const next = await fleet.scan("b");
    expect(next).toMatchObject({ ran: true });
    expect(next.stderr).toMatch(/foregone: redis: \d values? damaged or of another secret, not used/);
  });

  test("a line that is moved to another scan does not open there", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const fleet = new Fleet(url, network());
    await fleet.scan("a", KEY);
    const { Redis } = await import("ioredis");
    const bare = new Redis(redis.address.port, "127.0.0.1");
    onTestFinished(() => bare.disconnect());
    const before = new Set(await bare.keys("foregone/*/records/*"));
    fleet.edit(".flawfinder", "");
    const other = { ...KEY, SARIF: join(fleet.root, "scan.sarif") };
    const options = ["sarif", "run", "--", "flawfinder", "--minlevel", "3", "--sarif", "."];
    await fleet.run("a", other, ...options);
    const [moved] = (await bare.keys("foregone/*/records/*")).filter((key) => !before.has(key));
    const [from] = before;
    if (moved === undefined || from === undefined) throw new Error("two keys");
    await bare.del(moved);
    for (const line of await bare.lrangeBuffer(from, 0, -1)) await bare.rpush(moved, line);
    const { stderr } = await fleet.run("b", {}, ...options);
    expect(stderr).toContain("no record of this scan");
    expect(stderr).toContain("damaged or of another secret, not used");
  });

  test("a SARIF that is larger than it takes: no entry goes there, this machine keeps its own", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const fleet = new Fleet(url, network());
    fleet.finds(Buffer.from(systemRandom.bytes(2_000_000)).toString("base64"));
    const first = await fleet.scan("a", KEY);
    expect(first.stderr).toContain("redis: a value is larger than it takes (EFBIG); went on without it");
    const other = await fleet.scan("b", KEY);
    expect(other.stderr).toContain("no record of this scan");
    expect(await fleet.scan("a")).toMatchObject({ ran: false });
  });

  test("a newer record of others that is not whole does not hide this machine's own", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const fleet = new Fleet(url, network());
    await fleet.scan("b", { FOREGONE_STORE_SHARED: "" });
    const { Redis } = await import("ioredis");
    const bare = new Redis(redis.address.port, "127.0.0.1");
    onTestFinished(() => bare.disconnect());
    const before = new Set(await bare.keys("foregone/*/blobs/*"));
    await fleet.scan("a", KEY);
    for (const key of await bare.keys("foregone/*/blobs/*")) if (!before.has(key)) await bare.del(key);
    const cut = await fleet.scan("c");
    expect(cut).toMatchObject({ ran: true });
    expect(cut.stderr).toContain("its bytes are gone");
    expect(await fleet.scan("b")).toMatchObject({ ran: false });
  });

  test("what finds secrets keeps its findings on its machine; a credential of the job is kept nowhere", async (context) => {
    if (redisMissing !== undefined) return context.skip(redisMissing);
    const { Redis } = await import("ioredis");
    const bare = new Redis(redis.address.port, "127.0.0.1");
    onTestFinished(() => bare.disconnect());
    await bare.flushall();
    const fleet = new Fleet(url, network());
    const leaking = { ...KEY, GITHUB_TOKEN: "hunter2hunter2" };
    fleet.finds("password hunter2hunter2");
    expect((await fleet.scan("a", leaking)).stderr).toContain("not recorded: credential");
    fleet.finds("fine");
    await fleet.run("a", KEY, "sarif", "run", "--preset", "secretlint", "--", "flawfinder", "--sarif", ".");
    expect(await bare.keys("*")).toEqual([]);
  });
});

/** The socket of an agent whose peers are up, over a store in memory in place of peers. */
async function agent(through: (store: Store) => Store = (store) => store): Promise<string> {
  const store = through(memoryStore(nodeHasher, 1 << 24));
  const routes: readonly Route[] = [
    ...(storeService({ store, hasher: nodeHasher }).routes ?? []),
    {
      method: "GET",
      path: "/v1/status",
      handle: ({ response }) => sendJson(response, 200, { services: { peers: { state: "up" } } }),
    },
  ];
  const server = createServer((request, response) => void route(routes, request, response));
  const socket = join(temporaryFolder(), "agent.sock");
  await new Promise<void>((done) => server.listen(socket, done));
  onTestFinished(() => void server.close());
  return socket;
}

test("an agent's peers serve scans, and take none of a pull request", async () => {
  const fleet = new Fleet("", network(), { FOREGONE_AGENT_SOCKET: await agent() });
  expect(await fleet.scan("a", PULL)).toMatchObject({ ran: true });
  expect(await fleet.scan("b")).toMatchObject({ ran: true });
  const next = await fleet.scan("c");
  expect(next, next.stderr).toMatchObject({ ran: false });
});

test("a peer's scan that no grant for protected branches vouches for does not serve, and the reason is named", async () => {
  const fleet = new Fleet("", network(), { FOREGONE_AGENT_SOCKET: await agent(unvouched) });
  expect(await fleet.scan("a")).toMatchObject({ ran: true });
  const next = await fleet.scan("b");
  expect(next).toMatchObject({ ran: true });
  expect(next.stderr).toContain("it comes from memory, and nobody vouches for its maker");
});

/** It takes connections and never says a word. */
async function silent(): Promise<number> {
  const server = await rawServer(() => undefined);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server.port;
}

test.each([
  ["down", freePort, (port: number) => `redis://127.0.0.1:${port}`, "redis: nobody listens there"],
  ["down", freePort, (port: number) => `http://u:p@127.0.0.1:${port}/store`, "s3: nobody listens there"],
  ["silent", silent, (port: number) => `redis://127.0.0.1:${port}`, "redis: no answer in time"],
  ["silent", silent, (port: number) => `http://u:p@127.0.0.1:${port}/store`, "s3: no answer in time"],
])("a store that is %s costs one line: the scan runs and is kept here", async (_name, port, url, line) => {
  const fleet = new Fleet(url(await port()), network(), { FOREGONE_STORE_DEADLINE: "300ms" });
  const first = await fleet.scan("a", KEY);
  expect(first.ran).toBe(true);
  expect(first.stderr.split("\n").filter((each) => /redis|s3/.test(each))).toEqual([
    `foregone: ${line}; went on without it`,
  ]);
  expect(await fleet.scan("a", KEY)).toMatchObject({ ran: false });
});

/** The replay's own marks on a fresh log: category, guid, origin. */
function normalised(fresh: Log, replayed: Log): Log {
  const [a, b] = [fresh.runs[0], replayed.runs[0]];
  if (a === undefined || b === undefined) throw new Error("no run");
  const automationDetails = b.automationDetails;
  return { ...fresh, runs: [{ ...a, ...(automationDetails !== undefined && { automationDetails }) }] };
}
