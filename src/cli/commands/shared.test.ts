import { expect, test } from "vitest";
import { runCli } from "../../testing/cli.ts";
import { redisMissing, redisServer } from "../../testing/redis-server.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";

async function keys(): Promise<Record<string, string>> {
  const { code, stdout } = await runCli(["shared", "new-key", "--json"], { cwd: temporaryFolder(), env: {} });
  expect(code).toBe(0);
  const made = JSON.parse(stdout) as { "store.trusted-keys": string[] } & Record<string, string>;
  const { "store.trusted-keys": trusted, ...env } = made;
  return { ...env, FOREGONE_STORE_TRUSTED_KEYS: trusted.join(","), FOREGONE_P2P_NETWORK_NETWORK_ID: "x/y/z" };
}

async function doctor(env: Record<string, string>): Promise<readonly string[]> {
  const cwd = temporaryFolder();
  const { stdout } = await runCli(["doctor"], { cwd, env: { HOME: cwd, ...env } });
  expect(stdout).not.toContain("hunter2");
  return stdout.split("\n").filter((line) => /^\w+ +shared /.test(line));
}

test("foregone shared new-key makes keys that work, new ones each time, and says where each belongs", async () => {
  const [a, b] = [await keys(), await keys()];
  for (const name of ["FOREGONE_MESH_SECRET", "FOREGONE_SIGNING_KEY", "FOREGONE_STORE_TRUSTED_KEYS"])
    expect(a[name]).not.toBe(b[name]);
  const { stdout } = await runCli(["shared", "new-key"], { cwd: temporaryFolder(), env: {} });
  expect(stdout).toMatch(/^FOREGONE_MESH_SECRET=[0-9a-f]{64}$/m);
  expect(stdout).toMatch(/^ {2}trusted-keys: \[[\w-]{43}\]$/m);
});

test("foregone doctor tells of each shared store whether it answers and may be written", async (context) => {
  if (redisMissing !== undefined) return context.skip(redisMissing);
  await using server = await redisServer(["requirepass hunter2"]);
  const env = { ...(await keys()), FOREGONE_STORE_SHARED: `redis://:hunter2@127.0.0.1:${server.address.port}` };
  const place = `redis://127.0.0.1:${server.address.port}`;
  expect(await doctor({})).toEqual([]);
  expect(await doctor(env)).toEqual([expect.stringMatching(`^ok    shared    ${place}: written and read back in `)]);
  expect(await doctor({ ...env, FOREGONE_SIGNING_KEY: "" })).toEqual([
    expect.stringMatching(`^note  shared    ${place}: answers in .*; read only: FOREGONE_SIGNING_KEY is not set here$`),
  ]);
  expect(await doctor({ ...env, FOREGONE_STORE_SHARED: place })).toEqual([`fail  shared    ${place}: NOAUTH`]);
  expect(await doctor({ ...env, FOREGONE_SIGNING_KEY: "", FOREGONE_STORE_SHARED: place })).toEqual([
    `fail  shared    ${place}: NOAUTH`,
  ]);
  expect(await doctor({ ...env, FOREGONE_MESH_SECRET: "" })).toEqual([
    "fail  shared    store.shared needs FOREGONE_MESH_SECRET; mend: foregone shared new-key",
  ]);
  const alone = await doctor({ ...env, FOREGONE_STORE_TRUSTED_KEYS: "" });
  expect(alone[1]).toContain("store.trusted-keys is empty");
  expect((await doctor({ ...env, FOREGONE_STORE_TRUST: "members" }))[1]).toContain("pull requests too");
});
