import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";

import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Child, childOf, type Finished } from "../../testing/child.ts";
import { SecretsCli } from "../../testing/secrets-cli.ts";

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
});
afterAll(() => child[Symbol.dispose]());
const labOf = (): Promise<SecretsCli> => SecretsCli.of(child);

describe("exec", () => {
  const print = (name: string): string[] => [
    process.execPath,
    "-e",
    `process.stdout.write(String(process.env[${JSON.stringify(name)}]))`,
  ];

  test("gives values to the command alone and redacts what it prints in every form, on both streams", async () => {
    const lab = await labOf();
    await lab.set("TOKEN", "sw0rdfish-sw0rdfish");
    const script = `
      const t = process.env.TOKEN, b = Buffer.from(t), out = [];
      for (const s of [t, t + "\\n", "user:" + t, t + ":x"]) for (const e of ["base64", "base64url", "hex"]) out.push(Buffer.from(s).toString(e));
      out.push(encodeURIComponent(t), JSON.stringify(t), b.toString("hex").toUpperCase(), "x" + t + "y");
      for (const c of out.join("\\n")) process.stdout.write(c);
      process.stderr.write("err " + t + "\\n");
      process.exitCode = 7;`;
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
    const lab = await labOf();
    await lab.set("TOKEN", "value-of-token");
    const run = (args: readonly string[]): Promise<Finished> => lab.secrets(["exec", "--no-redact", ...args]);
    expect((await run(["--as", "TOKEN=NPM_TOKEN", "--", ...print("NPM_TOKEN")])).stdout).toBe("value-of-token");
    expect((await run(["--as", "TOKEN=NPM_TOKEN", "--", ...print("TOKEN")])).stdout).toBe("undefined");
    const tags = (await run(["--only", "TOKEN", "--", ...print("FOREGONE_CREDENTIAL_TAGS")])).stdout;
    expect(tags).toMatch(/^TOKEN=[0-9a-f]{64}\.[0-9a-f]{32}$/);
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
    const lab = await labOf();
    await lab.set("TOKEN", "value-of-token");
    await lab.set("OTHER", "value-of-other");
    const { code, stderr } = await lab.secrets(["exec", ...args]);
    expect([code, message.test(stderr)], stderr).toEqual([125, true]);
  });

  test("a reader that goes away ends the command as it would without us", async () => {
    const lab = await labOf();
    await lab.set("TOKEN", "value-of-token");
    const running = child.start({ env: lab.env, cwd: lab.home }, "secrets", "exec", "--only", "TOKEN", "--", "yes");
    running.stdout.once("data", () => running.stdout.destroy());
    const code = await new Promise((resolve) => running.once("close", resolve));
    expect(code).not.toBe(0);
  });

  test("signals are passed on", async () => {
    const lab = await labOf();
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
    const lab = await labOf();
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
    const lab = new SecretsCli(child);
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
    const lab = new SecretsCli(child);
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
    const lab = new SecretsCli(child);
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
    const lab = new SecretsCli(child);
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
