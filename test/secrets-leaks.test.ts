// The broker as an operator runs it: a process, under a user of its own where there is root. And then everything it left behind
// is searched for the values it was given.
import {
  accessSync,
  chownSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { answeredValue, askPut, askResolve } from "../src/secrets/broker-client.ts";
import { redactPatterns } from "../src/secrets/forms.ts";
import { type Child, childOf, type Finished, type StartOptions } from "../src/testing/child.ts";
import { type Issuer, startIssuer } from "../src/testing/oidc-issuer.ts";
import { SecretsCli } from "../src/testing/secrets-cli.ts";

const AUDIENCE = "foregone-secrets:runner-7";
const VALUES = ["first-secret-Zq8!x'\"&é", "second-secret-aaBBcc//++==", "third-secret-of-a-job{}<>"] as const;

let child: Child;
let issuer: Issuer;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
  issuer = await startIssuer({ audience: AUDIENCE });
});
afterAll(async () => {
  child[Symbol.dispose]();
  await issuer.close();
});

interface Running {
  readonly pid: number;
  readonly socket: string;
  stop(): Promise<string>;
}

async function startBrokerProcess(cli: SecretsCli, options: StartOptions, socket: string): Promise<Running> {
  const env = {
    ...cli.env,
    FOREGONE_SECRETS_BROKER_ID: "runner-7",
    FOREGONE_SECRETS_OIDC_ISSUER: issuer.url,
    FOREGONE_SECRETS_BROKER_SOCKET: socket,
  };
  const running = child.start({ ...options, env: { ...env, ...options.env }, cwd: cli.home }, "secrets", "broker");
  let said = "";
  running.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    running.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("issuer")) resolve();
    });
    running.once("close", () => reject(new Error(said)));
  });
  const closed = new Promise<string>((resolve) => running.once("close", () => resolve(said)));
  const stop = (): Promise<string> => {
    running.kill("SIGTERM");
    return closed;
  };
  onTestFinished(() => void stop());
  return { pid: running.pid ?? 0, socket, stop };
}

/** Every file below, as bytes. */
function* filesBelow(folder: string): Generator<readonly [string, Buffer]> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield [path, readFileSync(path)];
  }
}

/** Names of what holds a value in any of the forms that our redactor knows. */
function leaks(places: Iterable<readonly [string, Buffer]>): string[] {
  const patterns = VALUES.flatMap(redactPatterns).map((pattern) => Buffer.from(pattern));
  return [...places].filter(([, bytes]) => patterns.some((pattern) => bytes.includes(pattern))).map(([name]) => name);
}

test("after sets, rotations, puts, resolves, denials, faults and a kill the values are in no file, log, environment or output", async () => {
  const cli = new SecretsCli(child);
  const outputs: [string, Buffer][] = [];
  const run = async (args: readonly string[], options: StartOptions = {}): Promise<Finished> => {
    const done = await cli.secrets(args, options);
    outputs.push([args.join(" "), Buffer.from(done.stdout + done.stderr)]);
    return done;
  };
  await run(["init", "--key-provider", "file"]);
  await run(["set", "FIRST", "--scope", "repo:456"], { stdin: VALUES[0] });
  await run(["set", "SECOND", "--scope", "environment:456:production"], { stdin: VALUES[1] });
  await run(["rotate", "FIRST", "--scope", "repo:456"], { stdin: VALUES[0] });

  const broker = await startBrokerProcess(cli, {}, join(cli.home, "sock", "b.sock"));
  const resolved = await askResolve(broker.socket, {
    names: ["FIRST", "SECOND", "NOPE"],
    mode: "exec",
    token: await issuer.token(),
  });
  const given = resolved.answers.map((a) => ("value" in a ? answeredValue(a.value).toString() : a.denied));
  expect(given).toEqual([VALUES[0], VALUES[1], "denied"]);
  await askPut(broker.socket, {
    token: await issuer.token(),
    credentials: [{ name: "THIRD", value: Buffer.from(VALUES[2]), scope: "repo", ttlSeconds: 3600 }],
  });
  await askResolve(broker.socket, { names: ["FIRST"], mode: "exec", token: "forged.token.here" });
  await run(["rotate-master"]);
  const again = await askResolve(broker.socket, { names: ["THIRD"], mode: "env", token: await issuer.token() });
  expect(again.answers.map((a) => "value" in a)).toEqual([true]);

  const job = { ...cli.env, GITHUB_ACTIONS: "true", ...issuer.requestEnv };
  const used = await run(["exec", "--only", "FIRST,THIRD", "--socket", broker.socket, "--", "env"], { env: job });
  expect([used.code, used.stdout.includes("FIRST=***\n")]).toEqual([0, true]);
  for (const args of [
    ["list"],
    ["list", "--json"],
    ["audit"],
    ["audit", "--json"],
    ["audit", "verify", "--json"],
    ["doctor", "--json"],
  ])
    expect((await run(args)).code).toBe(0);

  const proc: [string, Buffer][] = ["environ", "cmdline", "status", "comm"].map((name) => [
    `/proc/broker/${name}`,
    readFileSync(`/proc/${broker.pid}/${name}`),
  ]);
  // Killed in the middle of nothing in particular; what it left is searched as well.
  process.kill(broker.pid, "SIGKILL");
  const said = await broker.stop();
  expect(leaks([...filesBelow(cli.home), ...proc, ...outputs, ["broker's output", Buffer.from(said)]])).toEqual([]);
  // The search can find: the values do lie where they were asked for.
  const found = await cli.secrets(["get", "THIRD"]);
  expect(leaks([["get", Buffer.from(found.stdout)]])).toEqual(["get"]);
}, 60_000);

test("a broker of another user: a job reaches the socket, and neither the store, nor the key, nor its process", async (context) => {
  if (process.getuid?.() !== 0) context.skip("needs root to act as two users");
  const [brokerUid, jobUid, group] = [64_101, 64_102, 64_103];
  try {
    accessSync(child.file, constants.R_OK);
    if ((statSync(process.cwd()).mode & 0o005) !== 0o005) context.skip("the checkout is not readable by other users");
  } catch {
    context.skip("the checkout is not readable by other users");
  }
  const cli = new SecretsCli(child);
  chownSync(cli.home, brokerUid, group);
  const owner = { uid: brokerUid, gid: group };
  const first = await cli.secrets(["init", "--key-provider", "file"], owner);
  if (first.code !== 0 && /EACCES|MODULE_NOT_FOUND/.test(first.stderr))
    context.skip("the checkout is not readable by other users");
  expect([first.code, first.stderr]).toEqual([0, ""]);
  await cli.secrets(["set", "TOKEN", "--scope", "repo:456"], { ...owner, stdin: VALUES[0] });

  // The socket lies where the job may come near it; the store does not.
  const run = join(cli.home, "..", `foregone-run-${process.pid}`);
  mkdirSync(run, { mode: 0o755 });
  onTestFinished(() => rmSync(run, { recursive: true, force: true }));
  mkdirSync(join(run, "b"), { mode: 0o700 });
  chownSync(join(run, "b"), brokerUid, group);
  const broker = await startBrokerProcess(
    cli,
    { ...owner, env: { FOREGONE_SECRETS_BROKER_GROUP: String(group) } },
    join(run, "b", "b.sock"),
  );

  const jobEnv = {
    ...cli.env,
    ...issuer.requestEnv,
    GITHUB_ACTIONS: "true",
    HOME: "/nonexistent",
    FOREGONE_SECRETS_BROKER_SOCKET: broker.socket,
  };
  const asJob = (args: readonly string[], gid: number, more: Record<string, string> = {}): Promise<Finished> =>
    child.runWith({ uid: jobUid, gid, cwd: "/", env: { ...jobEnv, ...more } }, "secrets", ...args);
  const script = `
    const fs = require("node:fs"), out = {};
    for (const [name, path] of Object.entries(${JSON.stringify({
      store: join(cli.folder, "credentials.json.enc"),
      key: join(cli.folder, ".master_key.k1"),
      log: join(cli.folder, "audit.log"),
      environ: `/proc/${broker.pid}/environ`,
      memory: `/proc/${broker.pid}/mem`,
    })})) try { fs.readFileSync(path); out[name] = "read"; } catch (e) { out[name] = e.code; }
    try { process.kill(${broker.pid}, 0); out.signal = "allowed"; } catch (e) { out.signal = e.code; }
    process.stdout.write(process.env.TOKEN.length + " " + JSON.stringify(out));`;
  const used = await asJob(["exec", "--no-redact", "--only", "TOKEN", "--", process.execPath, "-e", script], group);
  expect([used.code, used.stderr]).toEqual([0, ""]);
  const [length, seen] = [used.stdout.slice(0, used.stdout.indexOf(" ")), used.stdout.slice(used.stdout.indexOf(" "))];
  expect([length, JSON.parse(seen)]).toEqual([
    String(VALUES[0].length),
    { store: "EACCES", key: "EACCES", log: "EACCES", environ: "EACCES", memory: "EACCES", signal: "EPERM" },
  ]);

  // Spoofed variables change nothing: the token says who it is. Without one there is only `local`.
  const spoofed = {
    GITHUB_REPOSITORY_ID: "456",
    GITHUB_REPOSITORY: "acme/shop",
    GITHUB_REF: "refs/heads/main",
    GITHUB_EVENT_NAME: "push",
  };
  const other = await askResolve(broker.socket, {
    names: ["TOKEN"],
    mode: "exec",
    token: await issuer.token({ repository_id: "789" }),
  });
  expect(other.answers).toEqual([{ name: "TOKEN", denied: "denied" }]);
  const untold = await asJob(["exec", "--only", "TOKEN", "--", "true"], group, {
    ...spoofed,
    ACTIONS_ID_TOKEN_REQUEST_URL: "",
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "",
  });
  expect([untold.code, untold.stderr]).toEqual([125, expect.stringContaining("TOKEN: denied")]);

  // Another group does not get as far as the socket.
  const stranger = await asJob(["exec", "--only", "TOKEN", "--", "true"], 64_104);
  expect([stranger.code, stranger.stderr]).toEqual([125, expect.stringContaining("may not be used by this user")]);
  // And root, who would leave files that the broker cannot read, is told to act as its user.
  const asRoot = await cli.secrets(["set", "X", "--scope", "global"], { stdin: "value-of-root" });
  expect([asRoot.code, asRoot.stderr]).toEqual([
    1,
    expect.stringMatching(/belongs to uid 64101, not to uid 0[\s\S]*sudo -u '#64101'/),
  ]);
}, 60_000);

test("a broker reads no settings from the folder it is started in", async () => {
  const cli = await SecretsCli.of(child);
  await cli.set("TOKEN", VALUES[0]);
  mkdirSync(join(cli.home, ".git"));
  mkdirSync(join(cli.home, ".github"));
  writeFileSync(
    join(cli.home, ".github", "cache-config.yml"),
    "secrets:\n  deny-events: []\n  oidc:\n    issuer: https://evil.example\n",
  );
  const broker = await startBrokerProcess(cli, {}, join(cli.home, "sock", "b.sock"));
  const event = await askResolve(broker.socket, {
    names: ["TOKEN"],
    mode: "exec",
    token: await issuer.token({ event_name: "pull_request_target" }),
  });
  expect(event.answers).toEqual([{ name: "TOKEN", denied: "denied" }]);
  const said = await broker.stop();
  expect(said).toContain(`issuer    ${issuer.url}`);
}, 60_000);
