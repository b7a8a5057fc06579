// The committed action under Node 24, as the runner starts it, with real clients in later steps and a double for GitHub.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { ActionsDouble } from "../src/testing/actions/double.ts";
import { CacheJob, isAlive, processesOf, processesWithHome, type Step } from "../src/testing/cache-job.ts";
import { CLIENT_OUTPUT, CLIENTS, fillForClients } from "../src/testing/clients.ts";
import { expectNothingOf, filesBelow, secretsOf } from "../src/testing/disk-scan.ts";
import { runCli } from "../src/testing/cli.ts";
import { NO_NODE24, node24 } from "../src/testing/node24.ts";

const TOKEN = { GH_TOKEN: "ghp_0123456789abcdefghij" };
const CURL = `curl -sS --max-time 5 -H "Authorization: Bearer $GH_TOKEN" -o /dev/null -w '%{http_code} %header{x-cache-mode}'`;

beforeEach((context) => {
  if (node24() === undefined) context.skip(NO_NODE24);
});

async function started(inputs: Readonly<Record<string, string>> = {}): Promise<{ job: CacheJob; main: Step }> {
  const job = await CacheJob.start();
  fillForClients(job.table);
  const main = await job.main(inputs);
  expect(main).toMatchObject({ code: 0 });
  expect([main.text, main.outputs.get("cache-status")]).toEqual([expect.any(String), "success"]);
  return { job, main };
}

/** Nothing of the job is left: no process, no folder, and no token anywhere. */
async function expectNothingLeft(job: CacheJob, processes: readonly number[]): Promise<void> {
  await vi.waitFor(() => expect(processes.filter(isAlive)).toEqual([]), { timeout: 12_000, interval: 50 });
  await vi.waitFor(() => expect(readdirSync(job.temp).filter((name) => name.startsWith("foregone-"))).toEqual([]));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function expectFallback(job: CacheJob, main: Step, why: string): void {
  expect(main.code).toBe(0);
  expect(main.outputs.get("cache-status")).toBe("fallback");
  expect(main.text.match(/^::notice/gm)).toHaveLength(1);
  expect(main.text).toContain(why);
  expect([...main.variables.keys(), ...main.path]).toEqual([]);
  expect(readdirSync(job.temp).filter((name) => name.startsWith("foregone-"))).toEqual([]);
}

test.for(["gh", "octokit", "actions-github"])(
  "%s in a later step, unchanged, lists three pages, reads, writes and reads its own write",
  async (name, context) => {
    const { needs = "/", argv = [] } = CLIENTS[name] ?? {};
    if (!existsSync(needs)) return context.skip(`${needs} is not installed`);
    const { job, main } = await started();
    const script = argv[0] === "bash" ? (argv[2] ?? "") : `node -e '${argv[2]}'`;
    expect(await job.later(main, script, TOKEN)).toMatchObject({ code: 0, text: CLIENT_OUTPUT });
    const seen = job.double.log.filter(({ path }) => path !== "/rate_limit");
    expect(new Set(seen.map(({ token }) => token))).toEqual(new Set([TOKEN.GH_TOKEN]));
    const post = await job.post(main);
    expect(post.text).toMatch(/\d+ GitHub reads: \d+ paid, \d+ certified \(304\), \d+ fresh/);
    expect(post.summary).toMatch(/^### Foregone: \d+ of \d+ GitHub reads cost no quota/);
    await expectNothingLeft(job, processesOf(main));
  },
);

test.for(["pygithub", "curl"])("%s, unchanged, through the proxy door", async (name, context) => {
  const { needs = "/", argv = [] } = CLIENTS[name] ?? {};
  if (!existsSync(needs)) return context.skip(`${needs} is not installed`);
  const { job, main } = await started({ doors: "socket, proxy" });
  const file = join(job.base, "client");
  writeFileSync(file, argv.at(-1) ?? "");
  const program = argv[0] === "bash" ? "bash -e" : argv[0];
  expect(await job.later(main, `${program} ${file}`, TOKEN)).toMatchObject({ code: 0, text: CLIENT_OUTPUT });
});

test("every exported name changes a later step, and its absence changes it back", async () => {
  const { job, main } = await started({ doors: "socket,base-url,preload,proxy" });
  const without = (name: string): Step => ({
    ...main,
    variables: new Map([...main.variables].filter(([key]) => key !== name)),
    path: name === "PATH" ? [] : main.path,
  });
  // What would go to GitHub itself goes nowhere.
  const nowhere = { ...TOKEN, https_proxy: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1" };
  const stats = (variables: ReadonlyMap<string, string>): ReturnType<typeof runCli> =>
    runCli(["api", "stats"], { cwd: job.base, env: { ...job.env, ...Object.fromEntries(variables) } });
  expect((await stats(main.variables)).stdout).toContain("reads");
  expect((await stats(without("FOREGONE_SOCKET").variables)).stderr).toContain("no API proxy answers");
  const SCRIPTS: Readonly<Record<string, string>> = {
    BASH_ENV: `${CURL} "$GITHUB_API_URL/repos/o/r"`,
    FOREGONE_API_URL: `${CURL} "$FOREGONE_API_URL/repos/o/r"`,
    PATH: "gh api repos/o/r --jq .name",
  };
  for (const [name, script] of Object.entries(SCRIPTS)) {
    // Without BASH_ENV, so that each name is seen alone.
    const from = name === "BASH_ENV" ? main : without("BASH_ENV");
    const env = name === "BASH_ENV" ? TOKEN : nowhere;
    const withName = await job.later(from, script, env);
    expect([name, withName.code, withName.text]).toEqual([name, 0, expect.stringMatching(/^200 \w+$|^r\n$/)]);
    const gone = new Map([...from.variables].filter(([key]) => key !== name));
    const bare = { ...from, variables: gone, path: name === "PATH" ? [] : from.path };
    expect([name, (await job.later(bare, script, nowhere)).code]).not.toEqual([name, 0]);
  }
  expect([...main.variables.keys()].sort()).toEqual(["BASH_ENV", "FOREGONE_API_URL", "FOREGONE_SOCKET"]);
  // What env.sh sets, each by the client that needs it.
  const reads = `import("@octokit/rest").then(({ Octokit }) => new Octokit({ auth: process.env.GH_TOKEN }).request("GET /repos/o/r")).then(({ headers }) => console.log(headers["x-cache-mode"]))`;
  expect((await job.later(main, `unset HTTPS_PROXY https_proxy; node -e '${reads}'`, TOKEN)).text).toMatch(
    /^[A-Z]+\n$/,
  );
  expect(
    (await job.later(main, `unset NODE_OPTIONS HTTPS_PROXY https_proxy; node -e '${reads}'`, nowhere)).code,
  ).not.toBe(0);
  expect((await job.later(main, `${CURL} https://api.github.com/repos/o/r`, TOKEN)).text).toMatch(/^200 /);
});

test("each output can be used: the address by a JavaScript action, the socket, the proxy and its trust store by curl", async () => {
  const { job, main } = await started({ doors: "socket,proxy" });
  const out = (name: string): string => main.outputs.get(name) ?? "";
  const bare: Step = { ...main, variables: new Map(), path: [] };
  const script = `
node -e 'import("@actions/github").then(({ getOctokit }) => getOctokit(process.env.GH_TOKEN, { baseUrl: "${out("api-url")}" }).rest.repos.get({ owner: "o", repo: "r" })).then(({ headers }) => console.log(headers["x-cache-mode"]))'
${CURL} --unix-socket '${out("socket")}' http://api.github.com/repos/o/r; echo
${CURL} -x '${out("proxy-url")}' --cacert '${out("ca-file")}' https://api.github.com/repos/o/r; echo`;
  expect((await job.later(bare, script, TOKEN)).text).toBe("MISS\n200 MISS\n200 FRESH\n");
  expect(out("peer-count")).toBe("0");
  // The password is masked before it is written anywhere.
  expect(main.text.indexOf("::add-mask::")).toBeGreaterThanOrEqual(0);
  expect(main.text.replace(/^::add-mask::.*$/m, "")).not.toContain(new URL(out("proxy-url")).password);
  await job.post(main);
  expect(readdirSync(join(out("cache-dir"), "v1/blobs")).length).toBeGreaterThan(0);
});

test("what one job learned serves the next one on the same machine, under another token, for nothing", async () => {
  const { job, main } = await started();
  const read = `for p in repos/o/r 'repos/o/r/labels?per_page=30' 'repos/o/r/labels?page=2&per_page=30'; do gh api "$p" >/dev/null; done`;
  expect((await job.later(main, read, TOKEN)).code).toBe(0);
  await job.post(main);
  const paid = job.double.paid;
  const next = await job.main();
  expect((await job.later(next, read, { GH_TOKEN: "ghs_next" })).code).toBe(0);
  expect((await job.post(next)).text).toContain("3 GitHub reads: 0 paid, 3 certified (304)");
  expect(job.double.paid - paid).toBe(1); // the probe, which GitHub does not count
  expectNothingOf(filesBelow(join(job.base, ".cache")), secretsOf(job.double));
});

test("with a mesh secret, a later job on another machine begins with it, from the Actions cache; without the secret, with nothing", async () => {
  await using actions = await new ActionsDouble().start();
  const service = actions.env(actions.run({ headSha: "1".repeat(40) }), ["refs/heads/main"]);
  const inputs = { "mesh-secret": "11".repeat(32) };
  const read = `for p in repos/o/r 'repos/o/r/labels?per_page=30' 'repos/o/r/labels?page=2&per_page=30'; do gh api "$p" >/dev/null; done`;
  const job = await CacheJob.start();
  fillForClients(job.table);
  Object.assign(job.env, service);
  const main = await job.main(inputs);
  expect(main.text).toContain("nothing is kept by an earlier job");
  expect((await job.later(main, read, TOKEN)).code).toBe(0);
  expect((await job.post(main)).text).toMatch(/kept \d+\.\d MB for later jobs/);
  const uploads = actions.caches.rows.map(({ key, blob }) => ({
    name: key,
    bytes: Buffer.from(actions.blobs.value(blob) ?? ""),
  }));
  expect(uploads).toHaveLength(1);
  expectNothingOf(uploads, new Map([...secretsOf(job.double), ["mesh-secret", Buffer.from("11".repeat(32))]]));

  const next = job.elsewhere();
  Object.assign(next.env, service);
  const begun = await next.main(inputs);
  expect(begun.text).toContain("3 responses of an earlier job");
  expect((await next.later(begun, read, { GH_TOKEN: "ghs_next" })).code).toBe(0);
  const post = await next.post(begun);
  expect(post.text).toContain("3 GitHub reads: 0 paid, 3 certified (304)");
  expect(post.text).not.toContain("for later jobs");

  const stranger = job.elsewhere();
  Object.assign(stranger.env, service);
  const other = await stranger.main({ "mesh-secret": "22".repeat(32) });
  expect(other.text).toContain("nothing is kept by an earlier job");
  for (const fault of [{ kind: "status", status: 500 }, { kind: "hang" }] as const) {
    actions.faults.set("GetCacheEntryDownloadURL", fault);
    const third = job.elsewhere();
    Object.assign(third.env, service);
    const slow = await third.main(inputs);
    expect([slow.code, slow.outputs.get("cache-status"), slow.text]).toEqual([
      0,
      "success",
      expect.stringContaining("not restored"),
    ]);
  }
});

test.each([
  [{}, "200 MISS\n200 FRESH\n"],
  [{ "cache-ttl": "0" }, "200 MISS\n200 REVALIDATED\n"],
])("cache-ttl bounds a lease: %j", async (inputs, text) => {
  const { job, main } = await started(inputs);
  const twice = `for i in 1 2; do ${CURL} "$GITHUB_API_URL/repos/o/r/labels"; echo; done`;
  expect((await job.later(main, twice, TOKEN)).text).toBe(text);
});

test("jobs of one mesh secret are peers: they count each other on the port that was asked for; a stranger does not count", async () => {
  const secret = { "mesh-secret": "33".repeat(32) };
  const port = String(await freePort());
  const job = await CacheJob.start();
  fillForClients(job.table);
  job.env["FOREGONE_P2P_NETWORK_LISTEN_ADDRESSES"] = "127.0.0.1";
  const main = await job.main({ ...secret, "p2p-port": port });
  expect([main.text, main.outputs.get("cache-status"), main.outputs.get("peer-count")]).toEqual([
    main.text,
    "success",
    "0",
  ]);
  const joinMesh = async (inputs: Readonly<Record<string, string>>): Promise<{ other: CacheJob; begun: Step }> => {
    const other = job.elsewhere();
    Object.assign(other.env, {
      FOREGONE_P2P_NETWORK_LISTEN_ADDRESSES: "127.0.0.1",
      FOREGONE_P2P_DISCOVERY_BOOTSTRAP_PEERS: `/ip4/127.0.0.1/tcp/${port}`,
    });
    return { other, begun: await other.main({ ...inputs, "p2p-port": String(await freePort()) }) };
  };
  const { other, begun } = await joinMesh(secret);
  expect([begun.text, begun.outputs.get("peer-count")]).toEqual([begun.text, "1"]);
  for (const inputs of [
    { ...secret, "enable-p2p": "false" },
    { ...secret, "enable-peer-discovery": "false" },
    { "mesh-secret": "44".repeat(32) },
    {},
  ])
    expect([inputs, (await joinMesh(inputs)).begun.outputs.get("peer-count")]).toEqual([inputs, "0"]);
  expect((await other.post(begun)).code).toBe(0);
  expect((await job.post(main)).code).toBe(0);
});

test("jobs on self-hosted machines find each other by the Actions cache alone", async (context) => {
  const address = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  // Loopback addresses are not believed when a registry names them.
  if (address === undefined) return context.skip("this machine has loopback only");
  await using actions = await new ActionsDouble().start();
  const service = actions.env(actions.run({ headSha: "1".repeat(40) }), ["refs/heads/main"]);
  const here = { RUNNER_ENVIRONMENT: "self-hosted", FOREGONE_P2P_NETWORK_LISTEN_ADDRESSES: address };
  const secret = { "mesh-secret": "33".repeat(32) };
  const job = await CacheJob.start();
  Object.assign(job.env, service, here);
  const main = await job.main({ ...secret, "p2p-port": "0" });
  expect([main.text, main.outputs.get("peer-count")]).toEqual([main.text, "0"]);
  await vi.waitFor(() =>
    expect(actions.caches.rows.map(({ key }) => key)).toEqual([expect.stringMatching(/^p2p-peers-v1-/)]),
  );
  const other = job.elsewhere();
  Object.assign(other.env, service, here);
  const begun = await other.main({ ...secret, "p2p-port": "0" });
  expect([begun.text, begun.outputs.get("peer-count")]).toEqual([begun.text, "1"]);
  expect((await other.post(begun)).code).toBe(0);
  expect((await job.post(main)).code).toBe(0);
});

test("cache-size bounds what stays on disk", async () => {
  const { job, main } = await started({ "cache-size": "10" });
  for (let i = 0; i < 30; i++) job.table.set(`/repos/o/n${i}`, { i });
  await job.later(main, `for i in $(seq 0 29); do ${CURL} "$GITHUB_API_URL/repos/o/n$i"; done`, TOKEN);
  await job.post(main);
  const records = readdirSync(join(main.outputs.get("cache-dir") ?? "", "v1/records"), {
    recursive: true,
    withFileTypes: true,
  });
  expect(records.filter((entry) => entry.isFile()).length).toBeLessThanOrEqual(10);
});

test("secrets are in no process's environment or arguments, no log, no file", async () => {
  const job = await CacheJob.start();
  fillForClients(job.table);
  const secret = "a pass-phrase of the fleet, 31 characters";
  const main = await job.main({ "mesh-secret": secret, "github-token": "ghs_of_the_action_0123456789" });
  expect(main.outputs.get("cache-status")).toBe("success");
  await job.later(main, "gh api repos/o/r", TOKEN);
  const processes = processesOf(main);
  expect(processes).toHaveLength(2);
  const shown = processes.flatMap((pid) =>
    ["environ", "cmdline"].map((file) => ({ name: `${pid} ${file}`, bytes: readFileSync(`/proc/${pid}/${file}`) })),
  );
  const secrets = new Map([...secretsOf(job.double), ["mesh-secret", Buffer.from(secret)]]);
  expectNothingOf(shown, secrets);
  expectNothingOf(filesBelow(join(job.temp, "foregone-github-cache")), secrets);
  const post = await job.post(main);
  expectNothingOf(
    [main, post].map(({ text }) => ({ name: "log", bytes: Buffer.from(text) })),
    secrets,
  );
  expectNothingOf(filesBelow(join(job.base, ".cache")), secrets);
});

test.each([
  ["a port that is none", { "p2p-port": "ninety" }, "p2p-port: a whole number"],
  ["a switch that is none", { "enable-p2p": "yes" }, "enable-p2p: true or false"],
  ["a door that is none", { doors: "socket,window" }, "doors: some of"],
  ["a value out of range", { "p2p-port": "70000" }, "FOREGONE_P2P_LISTEN_PORT"],
])("%s: one notice, fallback, nothing exported, nothing left", async (_what, inputs, why) => {
  const job = await CacheJob.start();
  expectFallback(job, await job.main(inputs), why);
});

test("a broken configuration file, and a GitHub that does not answer: fallback", async () => {
  const job = await CacheJob.start();
  mkdirSync(join(job.base, ".github"));
  writeFileSync(join(job.base, ".github/cache-config.yml"), "api: {hots: [x]}\n");
  expectFallback(job, await job.main(), "hots");
  writeFileSync(join(job.base, ".github/cache-config.yml"), "api: {enabled: false}\n");
  const off = await job.main();
  expect([off.code, off.outputs.get("cache-status"), off.variables.size]).toEqual([0, "disabled", 0]);
  writeFileSync(join(job.base, ".github/cache-config.yml"), "");
  job.env["FOREGONE_API_UPSTREAMS"] = '{"api.github.com": "http://127.0.0.1:1"}';
  expectFallback(job, await job.main(), "api.github.com is not reached through the cache (502)");
});

test("no RUNNER_TEMP, a long one, and a store that cannot be written: the cache works all the same", async () => {
  const job = await CacheJob.start();
  fillForClients(job.table);
  writeFileSync(join(job.base, "file"), "");
  for (const env of [
    { RUNNER_TEMP: "" },
    { RUNNER_TEMP: join(job.temp, "x".repeat(100)) },
    { FOREGONE_CACHE_DIR: join(job.base, "file") },
  ]) {
    const before = { ...job.env };
    Object.assign(job.env, env);
    const main = await job.main();
    if ("FOREGONE_CACHE_DIR" in env) expectFallback(job, main, "store");
    else {
      expect([main.text, main.outputs.get("cache-status")]).toEqual([main.text, "success"]);
      expect((await job.later(main, "gh api repos/o/r --jq .name", TOKEN)).text).toBe("r\n");
      await job.post(main);
      expect(existsSync(main.state.get("folder") ?? "")).toBe(false);
    }
    job.env = before;
  }
});

test("the agent is killed: later steps go on through the same addresses, straight to GitHub, and post says so", async () => {
  const { job, main } = await started({ doors: "socket,base-url,preload,proxy" });
  const [supervisor = 0, agent = 0] = processesOf(main);
  process.kill(agent, "SIGKILL");
  await vi.waitFor(() =>
    expect(
      execFileSync("curl", [
        "-sS",
        "--unix-socket",
        main.outputs.get("socket") ?? "",
        "http://x/_foregone/status",
      ]).toString(),
    ).toContain("standIn"),
  );
  const script = `gh api repos/o/r --jq .name; ${CURL} "$GITHUB_API_URL/repos/o/r/labels"; echo`;
  expect((await job.later(main, script, TOKEN)).text).toBe("r\n200 SKIP\n");
  expect(isAlive(supervisor)).toBe(true);
  const post = await job.post(main);
  expect([post.code, post.text]).toEqual([0, expect.stringContaining("died during the job")]);
  await expectNothingLeft(job, [supervisor, agent]);
});

test("the supervisor is killed: the agent ends, later steps run as without us, and post is quiet", async () => {
  const { job, main } = await started();
  const [supervisor = 0, agent = 0] = processesOf(main);
  process.kill(supervisor, "SIGKILL");
  await vi.waitFor(() => expect(isAlive(agent)).toBe(false), { timeout: 10_000 });
  const script = 'gh --version | head -1; echo "$GITHUB_API_URL ${NODE_OPTIONS-none} ${GH_CONFIG_DIR-none}"';
  const step = await job.later(main, script, TOKEN);
  expect([step.code, step.text]).toEqual([
    0,
    expect.stringMatching(/^gh version .*\nhttps:\/\/api.github.com none none\n$/),
  ]);
  expect(await job.post(main)).toMatchObject({
    code: 0,
    text: expect.stringContaining("was gone before its job ended"),
  });
  await expectNothingLeft(job, [supervisor, agent]);
});

test("the runner is killed: everything ends by itself", async () => {
  const { job, main } = await started();
  const processes = processesOf(main);
  expect(processes).toHaveLength(2);
  job.kill();
  await expectNothingLeft(job, processes);
});

test.each(["log", "agent.sock", "pid"])(
  "main is killed while it starts, when there is already %s: no process is left, and the next job starts anew",
  async (file) => {
    const job = await CacheJob.start();
    const pids: number[] = [];
    const killed = job.main({}, { onStart: (pid) => pids.push(pid) });
    const path = join(job.temp, "foregone-github-cache", file);
    await vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 15_000, interval: 2 });
    process.kill(pids[0] ?? 0, "SIGKILL");
    await killed;
    expect((await job.main()).outputs.get("cache-status")).toBe("success");
    job.kill();
    await vi.waitFor(() => expect(processesWithHome(job.base)).toEqual([]), { timeout: 15_000, interval: 50 });
  },
);

test("a step's own bash environment, Node options and gh configuration stay", async () => {
  const job = await CacheJob.start();
  fillForClients(job.table);
  writeFileSync(join(job.base, "mine.sh"), "export MINE=1\n");
  Object.assign(job.env, { BASH_ENV: join(job.base, "mine.sh"), NODE_OPTIONS: "--no-warnings" });
  const main = await job.main();
  expect(main.outputs.get("cache-status")).toBe("success");
  const script = `echo "$MINE"; bash -c 'bash -c "echo $NODE_OPTIONS"' | grep -o -e --no-warnings -e --require; gh auth status 2>&1 | head -1; GH_CONFIG_DIR=/nonexistent gh config get editor; echo done`;
  const step = await job.later(main, script);
  expect(step.text).toMatch(/^1\n--no-warnings\n--require\n.*\n+done\n$/);
});

test("twice in one job: each has its own agent, and both end", async () => {
  const { job, main } = await started();
  const second = await job.main();
  expect(second.outputs.get("cache-status")).toBe("success");
  expect(second.outputs.get("socket")).not.toBe(main.outputs.get("socket"));
  const processes = [...processesOf(main), ...processesOf(second)];
  for (const step of [second, main]) expect((await job.post(step)).code).toBe(0);
  await expectNothingLeft(job, processes);
});
