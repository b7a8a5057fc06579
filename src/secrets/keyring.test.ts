import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, onTestFinished, test, type TestContext } from "vitest";
import { type Child, childOf } from "../testing/child.ts";
import { type KeyringSession, missingKeyringProgram, startKeyringSession } from "../testing/keyring-session.ts";
import { SecretsCli } from "../testing/secrets-cli.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
});
afterAll(() => child[Symbol.dispose]());

async function desktop(context: TestContext): Promise<{ cli: SecretsCli; session: KeyringSession }> {
  const missing = missingKeyringProgram();
  if (missing !== undefined) context.skip(`${missing} is not installed (apt: dbus gnome-keyring)`);
  const session = await startKeyringSession(temporaryFolder());
  onTestFinished(() => session.close());
  const cli = new SecretsCli(child);
  cli.env = { ...cli.env, ...session.env, HOME: cli.home };
  return { cli, session };
}

test("without a session bus the keyring is refused with a hint, and no store and no key are left behind", async () => {
  const cli = new SecretsCli(child);
  const { code, stderr } = await cli.secrets(["init"]);
  expect([code, stderr]).toEqual([
    12,
    expect.stringMatching(
      /error E_KEY: the keyring cannot be used: [\s\S]*hint: use another place: --key-provider file/,
    ),
  ]);
  expect(existsSync(cli.folder)).toBe(false);
});

test("the default keeps the key in gnome-keyring: a new process finds it, no file has it, and it can be rotated", async (context) => {
  const { cli } = await desktop(context);
  expect((await cli.secrets(["init"])).stderr).toBe("");
  await cli.set("TOKEN", "value-of-token");
  expect((await cli.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
  expect(existsSync(`${cli.folder}/.master_key.k1`)).toBe(false);
  expect((await cli.secrets(["rotate-master"])).stdout).toContain("master key k2 in keyring");
  expect((await cli.secrets(["get", "TOKEN"])).stdout).toBe("value-of-token");
  expect((await cli.secrets(["doctor"])).stdout).toMatch(/ok {4}key {7}k2 from keyring/);
  // The grace of the old key is over at once, so the next write forgets it in the keyring too.
  cli.env["FOREGONE_SECRETS_MASTER_GRACE"] = "0s";
  await cli.set("SECOND", "value-of-second");
  expect((await cli.secrets(["get", "SECOND"])).stdout).toBe("value-of-second");
}, 60_000);

test("a locked keyring and one without the key are errors, and the store stays as it is", async (context) => {
  const { cli, session } = await desktop(context);
  await cli.secrets(["init"]);
  await cli.set("TOKEN", "value-of-token");
  await session.lock();
  const locked = await cli.secrets(["get", "TOKEN"]);
  expect([locked.code, locked.stdout, locked.stderr]).toEqual([
    12,
    "",
    expect.stringMatching(/E_KEY: the keyring cannot be used: .*(prompt|locked)/),
  ]);
  expect((await cli.set("X", "value-of-x")).code).toBe(12);

  const elsewhere = await startKeyringSession(temporaryFolder());
  onTestFinished(() => elsewhere.close());
  const env = { ...cli.env, ...elsewhere.env };
  const missing = await cli.secrets(["get", "TOKEN"], { env });
  expect([missing.code, missing.stderr]).toEqual([
    12,
    expect.stringContaining("no master key: the keyring has no entry"),
  ]);
  expect((await cli.secrets(["init"], { env })).code).toBe(1);
}, 60_000);
