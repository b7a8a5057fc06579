import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Child, childOf } from "../../testing/child.ts";
import { SecretsCli } from "../../testing/secrets-cli.ts";

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
});
afterAll(() => child[Symbol.dispose]());
const labOf = (): Promise<SecretsCli> => SecretsCli.of(child);

test("init, set, get, list, rotate, remove: as the manual says", async () => {
  const lab = await labOf();
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
  const lab = await labOf();
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
  const lab = await labOf();
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
  const lab = await labOf();
  await lab.set("TOKEN", "value-of-repo");
  await lab.secrets(["set", "TOKEN", "--scope", "global"], { stdin: "value-of-all" });
  const both = await lab.secrets(["get", "TOKEN"]);
  expect([both.code, both.stderr]).toEqual([1, expect.stringMatching(/ambiguous-scope[\s\S]*hint: name the scope/)]);
  expect((await lab.secrets(["get", "TOKEN", "--scope", "global"])).stdout).toBe("value-of-all");
});

test("get --out writes a new file of mode 0600 and no other", async () => {
  const lab = await labOf();
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
  const lab = await labOf();
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

test("export and import: an age file, opened by its identity alone, all or none, and nothing replaced unasked", async () => {
  const lab = await labOf();
  await lab.set("A", "value-of-a", "--if", "branch=main", "--ttl", "48h");
  await lab.secrets(["set", "B", "--scope", "global"], { stdin: "value-of-b" });
  const identity = await generateX25519Identity();
  writeFileSync(join(lab.home, "id"), `# a comment\n${identity}\n`);
  writeFileSync(join(lab.home, "other"), await generateX25519Identity());
  const exported = await lab.secrets(["export", "--to", await identityToRecipient(identity), "--out", "escrow.age"]);
  expect([exported.code, exported.stderr]).toEqual([0, expect.stringMatching(/2 versions exported, audit #\d+/)]);
  expect(readFileSync(join(lab.home, "escrow.age"), "latin1")).not.toContain("value-of");

  const there = await labOf();
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
  const lab = await labOf();
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
  const lab = await labOf();
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
