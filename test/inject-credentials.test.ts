// The committed action under Node 24, as the runner starts it: inputs, command files, masks, state, later steps, post. The broker,
// its store and the issuer of tokens are real.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { main as injectMain } from "../src/actions/inject-main.ts";
import { runnerHost } from "../src/actions/host.ts";
import { CREDENTIAL_TAGS, taggedVariables } from "../src/core/credential-tags.ts";
import { nodeHasher } from "../src/node/ports.ts";
import { linesOf, runnerEncodings } from "../src/secrets/forms.ts";
import { type BrokerLab, brokerLab } from "../src/testing/broker-lab.ts";
import { parseCommandFile } from "../src/testing/command-file-parser.ts";
import { NO_NODE24, node24 } from "../src/testing/node24.ts";
import { newVersion } from "../src/testing/secrets-lab.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";
import type { BrokerOptions } from "../src/secrets/broker.ts";
import type { NewVersion } from "../src/secrets/changes.ts";

const NODE24 = node24();
const ACTION = parse(readFileSync("actions/inject-credentials/action.yml", "utf8")) as {
  inputs: Record<string, { default?: string }>;
  outputs: Record<string, unknown>;
  runs: { main: string; post: string };
};
const HOSTILE = "line-one\nPATH=/evil\nEOF\nghadelimiter_x\n::set-env name=X::y\nline-last";

beforeEach((context) => {
  if (NODE24 === undefined) context.skip(NO_NODE24);
});

interface Step {
  readonly code: number | null;
  readonly outputs: ReadonlyMap<string, string>;
  readonly variables: ReadonlyMap<string, string>;
  readonly path: readonly string[];
  /** As GitHub would show it: workflow commands applied, masks too. */
  readonly log: string;
  readonly raw: string;
  readonly summary: string;
  readonly state: ReadonlyMap<string, string>;
}

class Runner {
  readonly base = temporaryFolder();
  readonly temp = join(this.base, "_temp");
  readonly masks: string[] = [];
  env: Record<string, string>;
  #steps = 0;

  constructor(lab: BrokerLab | undefined, event: Readonly<Record<string, unknown>> = {}) {
    mkdirSync(this.temp);
    const payload = join(this.base, "event.json");
    writeFileSync(payload, JSON.stringify(event));
    this.env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.base,
      GITHUB_ACTIONS: "true",
      GITHUB_EVENT_NAME: "push",
      GITHUB_EVENT_PATH: payload,
      GITHUB_REPOSITORY: "acme/shop",
      GITHUB_REPOSITORY_ID: "456",
      GITHUB_WORKSPACE: this.base,
      RUNNER_TEMP: this.temp,
      FOREGONE_CREDENTIALS_DIR: join(this.base, "no-store"),
      FOREGONE_SECRETS_BROKER_SOCKET: lab?.options.socket ?? join(this.base, "no-broker.sock"),
      ...lab?.issuer.requestEnv,
    };
  }

  async step(
    which: "main" | "post",
    inputs: Readonly<Record<string, string>>,
    state: ReadonlyMap<string, string> = new Map(),
  ): Promise<Step> {
    const given = Object.fromEntries(
      Object.entries(ACTION.inputs).map(([name, { default: value = "" }]) => [
        `INPUT_${name.toUpperCase()}`,
        inputs[name] ?? value,
      ]),
    );
    const files = this.#files();
    const states = Object.fromEntries([...state].map(([name, value]) => [`STATE_${name}`, value]));
    const entry = resolve("actions/inject-credentials", ACTION.runs[which]);
    const env = { ...this.env, ...given, ...states, ...files };
    return this.#finished(await run(NODE24 ?? "", [entry], env, this.base), files);
  }

  /** A `run:` step after it. */
  async later(after: Step, command: readonly string[]): Promise<Step> {
    const files = this.#files();
    const PATH = [...after.path, this.env["PATH"]].join(":");
    const env = { ...this.env, ...Object.fromEntries(after.variables), PATH, ...files };
    return this.#finished(await run(command[0] ?? "", command.slice(1), env, this.base), files);
  }

  #files(): Record<string, string> {
    this.#steps += 1;
    return Object.fromEntries(
      ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"].map((name) => {
        const path = join(this.temp, `${name}-${this.#steps}`);
        writeFileSync(path, "");
        return [name, path];
      }),
    );
  }

  #finished({ code, text }: { code: number | null; text: string }, files: Readonly<Record<string, string>>): Step {
    const read = (name: string): string => readFileSync(files[name] ?? "", "utf8");
    const variables = (name: string): ReadonlyMap<string, string> => {
      const parsed = parseCommandFile(read(name));
      expect([name, parsed.error, parsed.blocked]).toEqual([name, undefined, 0]);
      return parsed.variables;
    };
    const shown = text.split("\n").flatMap((line) => {
      const mask = /^::add-mask::(.*)$/.exec(line)?.[1];
      if (mask === undefined) return [this.#masked(line)];
      const data = mask.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
      this.masks.push(...[data, ...linesOf(data)].flatMap(runnerEncodings));
      return [];
    });
    return {
      code,
      outputs: variables("GITHUB_OUTPUT"),
      variables: variables("GITHUB_ENV"),
      state: variables("GITHUB_STATE"),
      path: read("GITHUB_PATH")
        .split("\n")
        .filter((line) => line !== ""),
      log: shown.join("\n"),
      raw: text,
      summary: this.#masked(read("GITHUB_STEP_SUMMARY")),
    };
  }

  #masked(line: string): string {
    return this.masks
      .toSorted((a, b) => b.length - a.length)
      .reduce((text, mask) => text.replaceAll(mask, "***"), line);
  }
}

function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<{ code: number | null; text: string }> {
  return new Promise((done, reject) => {
    const child = spawn(file, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => done({ code, text }));
  });
}

const labOf = (
  versions: readonly NewVersion[],
  more?: (options: BrokerOptions) => Partial<BrokerOptions>,
): Promise<BrokerLab> => brokerLab(versions, more);
const TOKEN = newVersion("TOKEN", "value-of-the-token");
const KEY = newVersion("KEY", HOSTILE);

test("mode output: values are outputs of the step, masked in every form, with the audit number in the summary", async () => {
  const lab = await labOf([TOKEN, KEY]);
  const runner = new Runner(lab);
  const step = await runner.step("main", { "credential-names": "TOKEN, KEY" });
  expect([step.code, Object.fromEntries(step.outputs)]).toEqual([
    0,
    { TOKEN: "value-of-the-token", KEY: HOSTILE, "credentials-injected": "2", status: "success" },
  ]);
  expect([...step.variables]).toEqual([]);
  expect(step.log).not.toContain("value-of-the-token");
  expect(step.summary).toMatch(/\| TOKEN \| given \(output\) \|[\s\S]*Audit line #\d+\.[\s\S]*foregone\.audit\//);
  for (const shown of ["value-of-the-token", Buffer.from("value-of-the-token\n").toString("base64"), "line-last"]) {
    const printed = await runner.later(step, ["printf", "%s", `x ${shown} y`]);
    expect(printed.log).not.toContain(shown.slice(0, 12));
  }
});

test("mode env: variables of later steps, whatever the value tries", async () => {
  const lab = await labOf([TOKEN, KEY]);
  const runner = new Runner(lab);
  const step = await runner.step("main", { "credential-names": "TOKEN,KEY", mode: "env" });
  const { [CREDENTIAL_TAGS]: tags, ...variables } = Object.fromEntries(step.variables);
  expect(variables).toEqual({ TOKEN: "value-of-the-token", KEY: HOSTILE });
  // For `foregone run` in later steps: which of its variables hold credentials, and of which version.
  const tagged = taggedVariables({ ...variables, [CREDENTIAL_TAGS]: tags }, nodeHasher);
  expect(tagged.map(({ name, value, tag }) => [name, value, tag?.length])).toEqual([
    ["TOKEN", "value-of-the-token", 64],
    ["KEY", HOSTILE, 64],
  ]);
  expect(step.path).toEqual([]);
  const later = await runner.later(step, ["sh", "-c", 'test "$TOKEN" = value-of-the-token && printf %s "$KEY"']);
  expect([later.code, later.raw]).toEqual([0, HOSTILE]);
  expect(later.log).not.toContain("line-last");
});

test("mode file: private files that post removes, also when the job failed", async () => {
  const lab = await labOf([TOKEN, KEY]);
  const runner = new Runner(lab);
  const step = await runner.step("main", { "credential-names": "TOKEN,KEY", mode: "file" });
  const path = step.outputs.get("KEY_FILE") ?? "";
  expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777, statSync(join(path, "..")).mode & 0o777]).toEqual([
    HOSTILE,
    0o600,
    0o700,
  ]);
  expect([...step.outputs.keys()].toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "KEY_FILE",
    "TOKEN_FILE",
    "credentials-injected",
    "status",
  ]);
  const post = await runner.step("post", {}, step.state);
  expect([post.code, existsSync(join(path, ".."))]).toEqual([0, false]);
  expect((await runner.step("post", {}, new Map())).code).toBe(0);
});

test("mode exec: later steps get `foregone secrets exec`, and nothing else was handed over", async () => {
  const lab = await labOf([TOKEN]);
  const runner = new Runner(lab);
  const step = await runner.step("main", { "credential-names": "TOKEN", mode: "exec", socket: lab.options.socket });
  expect([step.code, step.outputs.get("credentials-injected"), [...step.variables]]).toEqual([0, "1", []]);
  expect(step.outputs.has("TOKEN")).toBe(false);
  const used = await runner.later(step, [
    "foregone",
    "secrets",
    "exec",
    "--only",
    "TOKEN",
    "--",
    "sh",
    "-c",
    'echo "${#TOKEN} $TOKEN"; exit 3',
  ]);
  expect([used.code, used.raw]).toEqual([3, "18 ***\n"]);
  const other = await runner.later(step, ["foregone", "run", "--", "true"]);
  expect(other.code).toBe(125);
  await runner.step("post", {}, step.state);
  expect(existsSync(step.path[0] ?? "/")).toBe(false);
});

test("credentials are stored through the broker, injected, and found by the next job of that repository", async () => {
  const lab = await labOf([TOKEN]);
  const own = JSON.stringify([
    { name: "MINE", value: "value-of-mine\nsecond-line", ttl_hours: 1 },
    { name: "LOCALLY", value: "value-of-this-runner", scope: "runner:runner-7" },
  ]);
  const first = await new Runner(lab).step("main", { credentials: own });
  expect([first.code, first.outputs.get("MINE"), first.outputs.get("status")]).toEqual([
    0,
    "value-of-mine\nsecond-line",
    "success",
  ]);
  expect(first.log).not.toContain("value-of-mine");
  const second = await new Runner(lab).step("main", { "credential-names": "MINE,LOCALLY,TOKEN" });
  expect([second.outputs.get("MINE"), second.outputs.get("credentials-injected")]).toEqual([
    "value-of-mine\nsecond-line",
    "3",
  ]);
});

test("partial and error fail the step, after its outputs are set; no reason but the broker's word is told", async () => {
  const lab = await labOf([TOKEN]);
  const partial = await new Runner(lab).step("main", { "credential-names": "TOKEN,NOPE" });
  expect([partial.code, partial.outputs.get("status"), partial.outputs.get("TOKEN")]).toEqual([
    1,
    "partial",
    "value-of-the-token",
  ]);
  expect(partial.log).toContain("::error title=Foregone::credentials: NOPE: denied");
  const nothing = await new Runner(lab).step("main", { "credential-names": "NOPE" });
  expect([nothing.code, nothing.outputs.get("status"), nothing.outputs.get("credentials-injected")]).toEqual([
    1,
    "error",
    "0",
  ]);
});

test("a fork's pull request is skipped, an empty request is empty, and both are green", async () => {
  const lab = await labOf([TOKEN]);
  const fork = new Runner(lab, { repository: { id: 456 }, pull_request: { head: { repo: { id: 999 } } } });
  fork.env["GITHUB_EVENT_NAME"] = "pull_request";
  const skipped = await fork.step("main", { "credential-names": "TOKEN" });
  expect([skipped.code, skipped.outputs.get("status"), skipped.outputs.has("TOKEN")]).toEqual([0, "skipped", false]);
  const own = new Runner(lab, { repository: { id: 456 }, pull_request: { head: { repo: { id: 456 } } } });
  own.env["GITHUB_EVENT_NAME"] = "pull_request";
  expect((await own.step("main", { "credential-names": "TOKEN" })).outputs.get("status")).toBe("success");
  expect((await new Runner(lab).step("main", {})).outputs.get("status")).toBe("empty");
});

test.each<[Record<string, string>, RegExp]>([
  [{ mode: "all" }, /mode: one of/],
  [{ credentials: "{" }, /not JSON; write values as toJSON/],
  [{ credentials: "{}" }, /not a list/],
  [{ credentials: '[{"name":"A"}]' }, /entry 0 has no name or value/],
  [{ credentials: '[{"name":"A","value":"short"}]' }, /value of "A" is short/],
  [{ credentials: '[{"name":"A","value":"long enough","ttl_hours":0}]' }, /must be above 0/],
  [{ credentials: '[{"name":"LD_PRELOAD","value":"long enough"}]' }, /"LD_PRELOAD" \(protected\)/],
  [{ "credential-names": "A,A" }, /asked for twice/],
  [{ "credential-names": "GITHUB_ENV" }, /protected/],
  [{ "credential-names": "A=B" }, /pattern/],
  [{ "credential-names": "status" }, /output of this step/],
  [{ "credential-names": "TOKEN", "runner-id": "another" }, /this is the broker "runner-7", not "another"/],
])("%j is an error, and nothing is handed over", async (inputs, message) => {
  const lab = await labOf([TOKEN]);
  const step = await new Runner(lab).step("main", inputs);
  expect([step.code, step.outputs.get("status"), step.outputs.get("credentials-injected")]).toEqual([1, "error", "0"]);
  expect(step.log).toMatch(message);
  expect([...step.variables.keys(), ...step.path]).toEqual([]);
});

test("spoofed variables change nothing: the token decides", async () => {
  const lab = await labOf([newVersion("TOKEN", "value-of-the-token", { scope: { kind: "repo", id: "999" } })]);
  const runner = new Runner(lab);
  Object.assign(runner.env, {
    GITHUB_REPOSITORY_ID: "999",
    GITHUB_REPOSITORY: "acme/other",
    GITHUB_REF: "refs/heads/main",
  });
  const step = await runner.step("main", { "credential-names": "TOKEN" });
  expect([step.code, step.outputs.get("status")]).toEqual([1, "error"]);
});

test("a job that may not have an OIDC token is told which permission it lacks", async () => {
  const lab = await labOf([TOKEN]);
  const runner = new Runner(lab);
  delete runner.env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const step = await runner.step("main", { "credential-names": "TOKEN" });
  expect(step.log).toMatch(/::notice title=Foregone::this job has no OIDC token.*id-token: write/);
  const put = await runner.step("main", { credentials: '[{"name":"A","value":"value-of-mine"}]' });
  expect([put.code, put.outputs.has("A")]).toEqual([1, false]);
});

test("without a broker, `credentials` serve this job, and names are found in no store", async () => {
  const runner = new Runner(undefined);
  const own = await runner.step("main", { credentials: '[{"name":"A","value":"value-of-mine"}]' });
  expect([own.code, own.outputs.get("A")]).toEqual([0, "value-of-mine"]);
  expect(own.log).toContain("are not stored");
  const names = await runner.step("main", { "credential-names": "TOKEN" });
  expect([names.code, names.outputs.get("status")]).toEqual([1, "error"]);
  expect(names.log).toContain("no credential store");
});

test("a broker that cuts its answer is an error, and nothing is exported", async () => {
  const { createServer } = await import("node:net");
  const lab = await labOf([TOKEN]);
  const socket = join(temporaryFolder(), "half.sock");
  let answers = 0;
  const half = createServer((connection) => {
    const health = JSON.stringify({ v: 1, id: "runner-7", audience: "foregone-secrets:runner-7" });
    connection.once("data", () => {
      answers += 1;
      const body = answers === 1 ? health : '{"v":1,"nonce":"';
      const length = answers === 1 ? body.length : 5000;
      connection.end(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${body}`);
    });
  });
  await new Promise<void>((done) => half.listen(socket, done));
  const step = await new Runner(lab).step("main", { "credential-names": "TOKEN", socket });
  half.close();
  expect([step.code, step.outputs.get("status"), step.outputs.has("TOKEN")]).toEqual([1, "error", false]);
});

test("every mask is printed before anything is written, and no value, name or scope breaks out of the command files", async () => {
  const hostile = fc.array(
    fc.oneof(
      fc.constantFrom("EOF", "PATH=/evil", "%0A", "::add-mask::x", "<<", "=", "ghadelimiter_", "{", "'"),
      fc.string({ unit: "grapheme" }),
    ),
    { minLength: 1, maxLength: 6 },
  );
  const value = fc
    .tuple(hostile, fc.constantFrom("\n", "\r\n", " "))
    .map(([parts, end]) => `${parts.join(end)}#padding`)
    .filter((v) => !v.includes("\0") && Buffer.from(v).toString() === v);
  const base = temporaryFolder();
  const context = {
    cwd: base,
    env: { FOREGONE_SECRETS_BROKER_SOCKET: join(base, "none.sock"), HOME: base },
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  };
  await fc.assert(
    fc.asyncProperty(value, fc.constantFrom("output", "env"), async (secret, mode) => {
      const files = {
        GITHUB_OUTPUT: join(base, "out"),
        GITHUB_ENV: join(base, "env"),
        GITHUB_STEP_SUMMARY: join(base, "sum"),
      };
      for (const path of Object.values(files)) writeFileSync(path, "");
      const late: string[] = [];
      const env = { ...files, INPUT_MODE: mode, INPUT_CREDENTIALS: JSON.stringify([{ name: "A", value: secret }]) };
      const host = runnerHost(env, (text) => {
        if (text.startsWith("::add-mask::") && Object.values(files).some((path) => statSync(path).size > 0))
          late.push(text);
      });
      expect(await injectMain(host, context)).toBe(0);
      expect(late).toEqual([]);
      const outputs = parseCommandFile(readFileSync(files.GITHUB_OUTPUT, "utf8")).variables;
      const variables = parseCommandFile(readFileSync(files.GITHUB_ENV, "utf8")).variables;
      const expected = mode === "output" ? { A: secret } : {};
      expect(Object.fromEntries(outputs)).toEqual({ ...expected, "credentials-injected": "1", status: "success" });
      expect(Object.fromEntries(variables)).toEqual(mode === "env" ? { A: secret, [CREDENTIAL_TAGS]: "A" } : {});
    }),
    { numRuns: 200 },
  );
});
