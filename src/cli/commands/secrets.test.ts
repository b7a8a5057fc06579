import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Child, childOf, type Finished, type StartOptions } from "../../testing/child.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
});
afterAll(() => child[Symbol.dispose]());

/** A user with a home of its own; `secrets` runs the real command line in a process. */
class Lab {
  readonly home = temporaryFolder();
  readonly folder = join(this.home, "credentials");
  env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: this.home,
    USER: "owner",
    FOREGONE_CREDENTIALS_DIR: this.folder,
    FOREGONE_SECRETS_BROKER_SOCKET: join(this.home, "no-broker.sock"),
  };

  secrets(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
    return child.runWith({ env: this.env, cwd: this.home, ...options }, "secrets", ...args);
  }
  set(name: string, value: string, ...more: readonly string[]): Promise<Finished> {
    return this.secrets(["set", name, "--scope", "repo:456", ...more], { stdin: value });
  }
  static async of(...init: readonly string[]): Promise<Lab> {
    const lab = new Lab();
    const made = await lab.secrets(["init", "--key-provider", "file", ...init]);
    expect([made.code, made.stderr]).toEqual([0, ""]);
    return lab;
  }
}

test("init, set, get, list, rotate, remove: as the manual says", async () => {
  const lab = await Lab.of();
  const set = await lab.secrets(["set", "DEPLOY_TOKEN", "--scope", "environment:456:production"], {
    stdin: "hunter2hunter2\n",
  });
  expect(set.stdout).toMatch(
    /^DEPLOY_TOKEN v1, environment:456:production, 14 bytes, expires \d{4}-\d\d-\d\d \d\d:\d\dZ, audit #1\n$/,
  );
  const get = await lab.secrets(["get", "DEPLOY_TOKEN"]);
  expect([get.code, get.stdout, get.stderr]).toEqual([0, "hunter2hunter2", ""]);

  const rotated = await lab.secrets([
    "rotate",
    "DEPLOY_TOKEN",
    "--scope",
    "environment:456:production",
    "--generate",
    "24",
  ]);
  expect(rotated.stdout).toMatch(/^DEPLOY_TOKEN v2, .*; v1 until .* at most, audit #\d+\n$/);
  expect((await lab.secrets(["get", "DEPLOY_TOKEN"])).stdout).toMatch(/^[A-Za-z0-9]{24}$/);
  expect((await lab.secrets(["get", "DEPLOY_TOKEN", "--version", "1"])).stdout).toBe("hunter2hunter2");

  const list = await lab.secrets(["list"]);
  expect(list.stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\dZ/g, "TIME")).toBe(
    "DEPLOY_TOKEN  v1  valid  TIME  environment:456:production\nDEPLOY_TOKEN  v2  valid  TIME  environment:456:production\n",
  );
  expect((await lab.secrets(["list", "--json"])).stdout).not.toContain("hunter2");
  expect(JSON.parse((await lab.secrets(["list", "--expiring", "2h", "--json"])).stdout)).toMatchObject([
    { version: 1 },
  ]);

  expect(
    (await lab.secrets(["remove", "DEPLOY_TOKEN", "--scope", "environment:456:production", "--version", "1"])).stdout,
  ).toMatch(/^1 version removed, audit #\d+\n$/);
  expect((await lab.secrets(["remove", "DEPLOY_TOKEN", "--scope", "environment:456:production"])).code).toBe(0);
  const gone = await lab.secrets(["get", "DEPLOY_TOKEN"]);
  expect([gone.code, gone.stdout]).toEqual([1, ""]);
  expect(gone.stderr).toContain("error E_DENIED: DEPLOY_TOKEN: unknown-name (audit #");
  expect((await lab.secrets(["list"])).stdout).toBe("no credentials\n");
  expect((await lab.secrets(["audit", "verify"])).stdout).toMatch(
    /^ok {4}\d+ lines, unbroken; 0 checkpoints agree\nnote/,
  );
});

test("values: one trailing line end goes, --exact keeps it, files and refusals", async () => {
  const lab = await Lab.of();
  await lab.set("A", "with-crlf\r\n");
  expect((await lab.secrets(["get", "A"])).stdout).toBe("with-crlf");
  await lab.set("B", "two-ends\n\n");
  expect((await lab.secrets(["get", "B"])).stdout).toBe("two-ends\n");
  await lab.set("C", "kept-end\n", "--exact");
  expect((await lab.secrets(["get", "C"])).stdout).toBe("kept-end\n");
  const file = join(lab.home, "value.txt");
  writeFileSync(file, "from-a-file\n");
  await lab.secrets(["set", "D", "--scope", "global", "--from-file", "value.txt"]);
  expect((await lab.secrets(["get", "D"])).stdout).toBe("from-a-file");
  for (const [value, what] of [
    ["", "empty"],
    ["short", "5 bytes"],
    ["        \n", "white space"],
    ["nul\0nul\0nul", "NUL"],
  ] as const) {
    const { code, stderr } = await lab.set("E", value);
    expect([code, stderr.includes(what)], stderr).toEqual([2, true]);
  }
  const argv = await lab.secrets(["set", "E", "the-value-itself", "--scope", "global"]);
  expect([argv.code, argv.stderr]).toEqual([2, expect.stringContaining("never from the command line")]);
  for (const name of ["LD_PRELOAD", "1A", "A-B", "GITHUB_TOKEN"])
    expect((await lab.set(name, "value-of-it")).code).toBe(2);
});

test("times: ttl 0, endless and past ones are refused, not-before waits, a deny wins", async () => {
  const lab = await Lab.of();
  for (const [args, what] of [
    [["--ttl", "0s"], "longer than 0"],
    [["--ttl", "400d"], "secrets.max-ttl"],
    [["--no-expiry"], "credentials expire here"],
    [["--ttl", "x"], "wants a duration"],
    [["--if", "ref"], "KEY=GLOB"],
    [["--if", "branch=a", "--if", "ref=refs/heads/b"], "twice"],
    [["--modes", "exec,all"], "--modes wants"],
    [["--assurance", "owner"], "--assurance wants"],
  ] as const) {
    const { code, stderr } = await lab.set("TOKEN", "value-of-token", ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(what)]);
  }
  await lab.set("LATER", "value-of-later", "--not-before", "1h");
  expect((await lab.secrets(["get", "LATER"])).stderr).toContain("not-yet-valid");
  const over = await lab.set("DAY", "value-of-a-day", "--not-before", "2020-01-02", "--ttl", "24h");
  expect([over.code, over.stderr]).toEqual([2, expect.stringContaining("ended already, 2020-01-03 00:00Z")]);
  lab.env["FOREGONE_SECRETS_ALLOW_NO_EXPIRY"] = "true";
  expect((await lab.set("EVER", "value-of-ever", "--no-expiry")).stdout).toContain("no expiry");
  await lab.set("TOKEN", "value-of-token");
  expect((await lab.secrets(["set", "TOKEN", "--scope", "repo:456", "--deny"])).stdout).toContain(
    "denied to all in it",
  );
  expect((await lab.secrets(["get", "TOKEN"])).stderr).toContain("explicit-deny");
});

test("a name in two scopes wants the scope named", async () => {
  const lab = await Lab.of();
  await lab.set("TOKEN", "value-of-repo");
  await lab.secrets(["set", "TOKEN", "--scope", "global"], { stdin: "value-of-all" });
  const both = await lab.secrets(["get", "TOKEN"]);
  expect([both.code, both.stderr]).toEqual([1, expect.stringMatching(/ambiguous-scope[\s\S]*hint: name the scope/)]);
  expect((await lab.secrets(["get", "TOKEN", "--scope", "global"])).stdout).toBe("value-of-all");
});

test("get --out writes a new file of mode 0600 and no other", async () => {
  const lab = await Lab.of();
  await lab.set("TOKEN", "value-of-token");
  expect((await lab.secrets(["get", "TOKEN", "--out", "token"])).stdout).toBe("");
  const path = join(lab.home, "token");
  expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777]).toEqual(["value-of-token", 0o600]);
  expect((await lab.secrets(["get", "TOKEN", "--out", "token"])).stderr).toContain("EEXIST");
});

test("scopes with names become ids, asked from GitHub once", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    const id = { "/repos/acme/shop": 456, "/users/acme": 123 }[request.url ?? ""];
    response.writeHead(id === undefined ? 404 : 200).end(JSON.stringify({ id }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const lab = await Lab.of();
  lab.env["GITHUB_API_URL"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  lab.env["GH_TOKEN"] = "a-token";
  const set = await lab.secrets(["set", "A", "--scope", "environment:acme/shop:Production"], { stdin: "value-of-a" });
  expect(set.stdout).toContain("A v1, environment:456:production (acme/shop)");
  await lab.secrets(["set", "B", "--scope", "workflow:acme/shop:.github/workflows/a.yml@refs/heads/*"], {
    stdin: "value-of-b",
  });
  await lab.secrets(["set", "C", "--scope", "owner:acme"], { stdin: "value-of-c" });
  const scopes = (JSON.parse((await lab.secrets(["list", "--json"])).stdout) as { scope: string }[]).map(
    (v) => v.scope,
  );
  expect(scopes).toEqual([
    "environment:456:production",
    "workflow:456:.github/workflows/a.yml@refs/heads/*",
    "owner:123",
  ]);
  expect(asked[0]).toBe("/repos/acme/shop Bearer a-token");
  const unknown = await lab.secrets(["set", "D", "--scope", "repo:acme/nope"], { stdin: "value-of-d" });
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringContaining("GitHub gave no id for repos/acme/nope (404)"),
  ]);
});

describe("exec", () => {
  const print = (name: string): string[] => [
    process.execPath,
    "-e",
    `process.stdout.write(String(process.env[${JSON.stringify(name)}]))`,
  ];

  test("gives values to the command alone and redacts what it prints in every form, on both streams", async () => {
    const lab = await Lab.of();
    await lab.set("TOKEN", "sw0rdfish-sw0rdfish");
    const script = `
      const t = process.env.TOKEN, b = Buffer.from(t), out = [];
      for (const s of [t, t + "\\n", "user:" + t, t + ":x"]) for (const e of ["base64", "base64url", "hex"]) out.push(Buffer.from(s).toString(e));
      out.push(encodeURIComponent(t), JSON.stringify(t), b.toString("hex").toUpperCase(), "x" + t + "y");
      for (const c of out.join("\\n")) process.stdout.write(c);
      process.stderr.write("err " + t + "\\n");
      process.exit(7);`;
    const done = await lab.secrets(["exec", "--only", "TOKEN", "--", process.execPath, "-e", script]);
    expect(done.code).toBe(7);
    expect(done.stderr).toBe("err ***\n");
    expect(done.stdout).toContain("x***y");
    for (const form of [
      "sw0rdfish",
      Buffer.from("sw0rdfish-sw0rd").toString("base64"),
      Buffer.from("sw0rdfish").toString("hex"),
    ])
      expect(done.stdout.toLowerCase()).not.toContain(form.toLowerCase());
  });

  test("--as renames, tags stand for the version, our own keys are not passed on, exit codes are the command's", async () => {
    const lab = await Lab.of();
    await lab.set("TOKEN", "value-of-token");
    const run = (args: readonly string[]): Promise<Finished> => lab.secrets(["exec", "--no-redact", ...args]);
    expect((await run(["--as", "TOKEN=NPM_TOKEN", "--", ...print("NPM_TOKEN")])).stdout).toBe("value-of-token");
    expect((await run(["--as", "TOKEN=NPM_TOKEN", "--", ...print("TOKEN")])).stdout).toBe("undefined");
    const tags = (await run(["--only", "TOKEN", "--", ...print("FOREGONE_CREDENTIAL_TAGS")])).stdout;
    expect(tags).toMatch(/^TOKEN=[0-9a-f]{64}$/);
    expect((await run(["--", ...print("FOREGONE_CREDENTIAL_TAGS")])).stdout).toBe(tags);
    await lab.secrets(["rotate", "TOKEN", "--scope", "repo:456"], { stdin: "value-of-token" });
    expect((await run(["--only", "TOKEN", "--", ...print("FOREGONE_CREDENTIAL_TAGS")])).stdout).not.toBe(tags);
    lab.env["FOREGONE_PASSPHRASE"] = "of-the-owner";
    expect((await run(["--only", "TOKEN", "--", ...print("FOREGONE_PASSPHRASE")])).stdout).toBe("undefined");
    expect((await run(["--only", "TOKEN", "--", "sh", "-c", "kill -9 $$"])).code).toBe(137);
    expect((await run(["--only", "TOKEN", "--", "no-such-program"])).code).toBe(127);
    expect((await run(["--only", "TOKEN", "--", lab.home])).code).toBe(126);
  });

  test.each([
    [["--only", "NOPE", "--", "true"], /error E_DENIED: NOPE: unknown-name/],
    [["--only", "TOKEN"], /no command given/],
    [["--as", "TOKEN=LD_PRELOAD", "--", "true"], /gives orders/],
    [["--as", "TOKEN", "--", "true"], /NAME=ENV/],
    [["--only", "TOKEN,OTHER", "--as", "TOKEN=X", "--as", "OTHER=X", "--", "true"], /one name/],
    [["--wrong", "--", "true"], /unknown option/],
    [["--only", "TOKEN", "--socket", "/nonexistent/x.sock", "--", "true"], /no broker answers/],
  ])("%j starts nothing and exits with 125", async (args, message) => {
    const lab = await Lab.of();
    await lab.set("TOKEN", "value-of-token");
    await lab.set("OTHER", "value-of-other");
    const { code, stderr } = await lab.secrets(["exec", ...args]);
    expect([code, message.test(stderr)], stderr).toEqual([125, true]);
  });

  test("a reader that goes away ends the command as it would without us", async () => {
    const lab = await Lab.of();
    await lab.set("TOKEN", "value-of-token");
    const running = child.start({ env: lab.env, cwd: lab.home }, "secrets", "exec", "--only", "TOKEN", "--", "yes");
    running.stdout.once("data", () => running.stdout.destroy());
    const code = await new Promise((resolve) => running.once("close", resolve));
    expect(code).not.toBe(0);
  });

  test("signals are passed on", async () => {
    const lab = await Lab.of();
    await lab.set("TOKEN", "value-of-token");
    const script = `process.on("SIGTERM", () => process.exit(42)); process.stdout.write("up"); setInterval(() => {}, 1000);`;
    const running = child.start(
      { env: lab.env, cwd: lab.home },
      "secrets",
      "exec",
      "--only",
      "TOKEN",
      "--",
      process.execPath,
      "-e",
      script,
    );
    running.stdout.once("data", () => running.kill("SIGTERM"));
    expect(await new Promise((resolve) => running.once("close", resolve))).toBe(42);
  });
});

describe("in a job, without a broker", () => {
  const job = {
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: "acme/shop",
    GITHUB_REPOSITORY_ID: "456",
    GITHUB_EVENT_NAME: "push",
    GITHUB_REF: "refs/heads/main",
  };

  test("only credentials set for local assurance are given, and the event still counts", async () => {
    const lab = await Lab.of();
    await lab.set("STRICT", "value-of-strict");
    await lab.set("LOOSE", "value-of-loose", "--assurance", "local", "--if", "branch=main");
    const strict = await lab.secrets(["exec", "--only", "STRICT", "--", "true"], { env: { ...lab.env, ...job } });
    expect([strict.code, strict.stderr]).toEqual([125, expect.stringContaining("STRICT: assurance-too-low")]);
    const loose = (more: Record<string, string>): Promise<Finished> =>
      lab.secrets(["exec", "--only", "LOOSE", "--", "printenv", "LOOSE"], { env: { ...lab.env, ...job, ...more } });
    expect(await loose({})).toMatchObject({ code: 0, stdout: "***\n" });
    for (const more of [
      { GITHUB_EVENT_NAME: "pull_request_target" },
      { GITHUB_REF: "refs/heads/x" },
      { GITHUB_REPOSITORY_ID: "457" },
    ])
      expect((await loose(more)).code).toBe(125);
    const denied = await lab.secrets(["audit", "--denied"]);
    expect(denied.stdout).toMatch(/exec {2}LOOSE {2}event-denied event=pull_request_target {2}local owner/);
    expect(denied.stdout).toMatch(/exec {2}LOOSE {2}condition-failed ref=refs\/heads\/x/);
    for (const args of [["export", "--to", await identityToRecipient(await generateX25519Identity()), "--out", "x"]])
      expect((await lab.secrets(args, { env: { ...lab.env, ...job } })).stderr).toContain("a job exports nothing");
  });
});

describe("master keys", () => {
  const key = Buffer.alloc(32, 5).toString("base64");
  const other = Buffer.alloc(32, 6).toString("base64");

  test("from a variable, rotated to another, to a file, and never replaced by an empty store", async () => {
    const lab = new Lab();
    const init = await lab.secrets(["init", "--key-provider", "env"]);
    expect([init.code, init.stderr]).toEqual([12, expect.stringContaining("FOREGONE_MASTER_KEY is empty")]);
    expect(existsSync(lab.folder)).toBe(false);
    lab.env["FOREGONE_MASTER_KEY"] = key;
    expect((await lab.secrets(["init", "--key-provider", "env"])).code).toBe(0);
    await lab.set("TOKEN", "value-of-token");
    lab.env["FOREGONE_MASTER_KEY"] = other;
    const wrong = await lab.secrets(["get", "TOKEN"]);
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([12, "", expect.stringContaining("wrong master key")]);
    expect((await lab.set("X", "value-of-x")).code).toBe(12);
    lab.env["FOREGONE_MASTER_KEY"] = `${other}\n${key}`;
    expect((await lab.secrets(["rotate-master"])).stdout).toMatch(
      /^master key k2 in env, 1 version wrapped anew; k1 is kept until/,
    );
    lab.env["FOREGONE_MASTER_KEY"] = other;
    expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
    expect((await lab.secrets(["rotate-master", "--key-provider", "file"])).code).toBe(0);
    delete lab.env["FOREGONE_MASTER_KEY"];
    expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
    expect((await lab.secrets(["audit", "verify"])).code).toBe(0);
  });

  test("from a descriptor, which the command of exec does not inherit", async () => {
    const lab = new Lab();
    const path = join(lab.home, "key");
    writeFileSync(path, `${key}\n`, { mode: 0o600 });
    const open = (): number => openSync(path, "r");
    lab.env["FOREGONE_MASTER_KEY_FD"] = "3";
    const withKey = async (args: readonly string[], stdin = ""): Promise<Finished> => {
      const fd = open();
      try {
        return await lab.secrets(args, { stdin, descriptors: [fd] });
      } finally {
        closeSync(fd);
      }
    };
    expect((await withKey(["init", "--key-provider", "fd"])).code).toBe(0);
    await withKey(["set", "TOKEN", "--scope", "global"], "value-of-token");
    expect((await withKey(["get", "TOKEN"])).stdout).toBe("value-of-token");
    expect(
      (await withKey(["exec", "--only", "TOKEN", "--", "sh", "-c", "cat /dev/fd/3 2>/dev/null; echo done"])).stdout,
    ).toBe("done\n");
    expect((await lab.secrets(["get", "TOKEN"])).code).toBe(12);
  });

  test("from systemd's credentials folder and from a command", async () => {
    const lab = new Lab();
    const folder = join(lab.home, "creds");
    mkdirSync(folder);
    writeFileSync(join(folder, "foregone-master-key"), key);
    lab.env["CREDENTIALS_DIRECTORY"] = folder;
    expect((await lab.secrets(["init", "--key-provider", "systemd"])).code).toBe(0);
    await lab.set("TOKEN", "value-of-token");
    expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
    const script = join(lab.home, "print-key");
    writeFileSync(script, `#!/bin/sh\necho ${other}\n`, { mode: 0o700 });
    lab.env["FOREGONE_SECRETS_KEY_COMMAND"] = script;
    expect((await lab.secrets(["rotate-master", "--key-provider", "command"])).stderr).toBe("");
    delete lab.env["CREDENTIALS_DIRECTORY"];
    expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
    writeFileSync(script, "#!/bin/sh\nexit 3\n");
    expect((await lab.secrets(["get", "TOKEN"])).stderr).toContain("secrets.key-command ended with 3");
  });

  test("under a passphrase", async () => {
    const lab = new Lab();
    lab.env["FOREGONE_PASSPHRASE"] = "correct horse battery";
    expect((await lab.secrets(["init", "--key-provider", "passphrase"])).stderr).toBe("");
    await lab.set("TOKEN", "value-of-token");
    expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
    expect(readFileSync(join(lab.folder, ".master_key.k1"), "utf8")).toMatch(
      /^foregone-sealed-key\/1 kid=k1 kdf=scrypt /,
    );
    lab.env["FOREGONE_PASSPHRASE"] = "incorrect horse battery";
    expect(await lab.secrets(["get", "TOKEN"])).toMatchObject({
      code: 12,
      stdout: "",
      stderr: expect.stringContaining("wrong passphrase") as unknown,
    });
    delete lab.env["FOREGONE_PASSPHRASE"];
    expect((await lab.secrets(["get", "TOKEN"])).stderr).toContain("no passphrase, and nobody to ask");
  });
});

test("export and import: an age file, opened by its identity alone, all or none, and nothing replaced unasked", async () => {
  const lab = await Lab.of();
  await lab.set("A", "value-of-a", "--if", "branch=main", "--ttl", "48h");
  await lab.secrets(["set", "B", "--scope", "global"], { stdin: "value-of-b" });
  const identity = await generateX25519Identity();
  writeFileSync(join(lab.home, "id"), `# a comment\n${identity}\n`);
  writeFileSync(join(lab.home, "other"), await generateX25519Identity());
  const exported = await lab.secrets(["export", "--to", await identityToRecipient(identity), "--out", "escrow.age"]);
  expect([exported.code, exported.stderr]).toEqual([0, expect.stringMatching(/2 versions exported, audit #\d+/)]);
  expect(readFileSync(join(lab.home, "escrow.age"), "latin1")).not.toContain("value-of");

  const there = await Lab.of();
  const path = join(lab.home, "escrow.age");
  expect((await there.secrets(["import", path, "--identity", join(lab.home, "other")])).stderr).toContain(
    "does not open",
  );
  expect((await there.secrets(["import", path, "--identity", join(lab.home, "id")])).stdout).toBe(
    "2 versions imported\n",
  );
  const [a] = JSON.parse((await there.secrets(["list", "--json"])).stdout) as { notAfter: number; policy: unknown }[];
  const [was] = JSON.parse((await lab.secrets(["list", "--json"])).stdout) as { notAfter: number; policy: unknown }[];
  expect([a?.notAfter, a?.policy]).toEqual([was?.notAfter, was?.policy]);
  expect((await there.secrets(["get", "B"])).stdout).toBe("value-of-b");

  await there.secrets(["set", "B", "--scope", "global"], { stdin: "newer-value-of-b" });
  const again = await there.secrets(["import", path, "--identity", join(lab.home, "id")]);
  expect([again.code, again.stdout]).toEqual([4, "0 versions imported\n"]);
  expect((await there.secrets(["get", "B"])).stdout).toBe("newer-value-of-b");
  expect((await there.secrets(["import", path, "--identity", join(lab.home, "id"), "--replace"])).stdout).toBe(
    "2 versions imported\n",
  );
  expect((await there.secrets(["get", "B"])).stdout).toBe("value-of-b");

  const bytes = readFileSync(path);
  const before = (await there.secrets(["list", "--json"])).stdout;
  for (const broken of [
    bytes.subarray(0, -1),
    Buffer.concat([bytes.subarray(0, -1), Buffer.of(1)]),
    Buffer.from("no age file"),
  ]) {
    writeFileSync(join(lab.home, "broken.age"), broken);
    expect(
      (await there.secrets(["import", join(lab.home, "broken.age"), "--identity", join(lab.home, "id")])).code,
    ).not.toBe(0);
  }
  expect((await there.secrets(["list", "--json"])).stdout).toBe(before);
});

test("checkpoints kept elsewhere find what the store cannot: the whole folder put back", async () => {
  const lab = await Lab.of();
  const kept = join(lab.home, "witness");
  lab.env["FOREGONE_SECRETS_AUDIT_CHECKPOINT_TO"] = kept;
  lab.env["FOREGONE_SECRETS_AUDIT_CHECKPOINT_EVERY"] = "1";
  await lab.set("TOKEN", "value-of-token");
  const snapshot = Object.fromEntries(
    readdirSync(lab.folder).map((name) => [name, readFileSync(join(lab.folder, name))]),
  );
  await lab.secrets(["rotate", "TOKEN", "--scope", "repo:456"], { stdin: "value-after-the-leak" });
  expect((await lab.secrets(["audit", "verify"])).stdout).toMatch(/unbroken; \d+ checkpoints agree\n$/);
  for (const [name, bytes] of Object.entries(snapshot)) writeFileSync(join(lab.folder, name), bytes, { mode: 0o600 });
  expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
  const { code, stdout } = await lab.secrets(["audit", "verify"]);
  expect([code, stdout]).toEqual([
    1,
    expect.stringMatching(/^fail {2}(at the end: .* cut off \(the checkpoint has seen them\)|the first \d+ entries)/),
  ]);
});

test("doctor says what is wrong, how to mend it, and mends what is safe to mend", async () => {
  const lab = await Lab.of();
  await lab.set("TOKEN", "value-of-token");
  const well = await lab.secrets(["doctor"]);
  expect([well.code, well.stdout.match(/^fail/m)]).toEqual([0, null]);
  const file = join(lab.folder, "credentials.json.enc");
  const older = readFileSync(file);
  await lab.set("SECOND", "value-of-second");

  chmodSync(file, 0o644);
  writeFileSync(join(lab.folder, "credentials.json.enc.new"), "", { mode: 0o600 });
  const open = await lab.secrets(["doctor"]);
  expect([open.code, open.stdout]).toEqual([
    1,
    expect.stringMatching(/fail {2}files .* \(mode 644\); mend: chmod 600 /),
  ]);
  const fixed = await lab.secrets(["doctor", "--fix"]);
  expect([fixed.code, fixed.stdout]).toEqual([
    0,
    expect.stringMatching(/fixed mode 600[\s\S]*fixed removed 1 leftover/),
  ]);

  writeFileSync(file, older);
  expect((await lab.secrets(["get", "TOKEN"])).stderr).toContain("E_ROLLED_BACK");
  expect((await lab.secrets(["doctor", "--fix"])).stdout).toContain("generation 2 accepted");
  expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
  expect((await lab.secrets(["audit"])).stdout).toMatch(/accepted {2}generation 2/);

  writeFileSync(join(lab.folder, "audit.log"), "garbage\n");
  expect((await lab.secrets(["get", "TOKEN"])).stderr).toContain("E_DAMAGED");
  expect((await lab.secrets(["doctor", "--fix"])).stdout).toMatch(
    /audit log restarted; the old one is audit\.log\.damaged-\d+/,
  );
  expect((await lab.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
  expect((await lab.secrets(["audit", "verify"])).code).toBe(0);

  writeFileSync(join(lab.folder, ".master_key.k1"), "nonsense");
  const lost = await lab.secrets(["doctor", "--json"]);
  expect([lost.code, lost.stdout]).toEqual([1, expect.stringContaining('"subject": "key"')]);
});
