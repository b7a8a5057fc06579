import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../testing/cli.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import type { Fact } from "./fact.ts";

function machine(): { readonly root: string; readonly env: Readonly<Record<string, string>> } {
  const root = temporaryFolder();
  mkdirSync(join(root, "run"), { mode: 0o700 });
  return { root, env: { PATH: process.env["PATH"] ?? "", HOME: root, XDG_RUNTIME_DIR: join(root, "run") } };
}

async function doctor({ root, env }: ReturnType<typeof machine>, more: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await runCli(["doctor", "--json"], { cwd: root, env: { ...env, ...more } });
  const { facts } = JSON.parse(stdout) as { facts: readonly Fact[] };
  return { code, of: (name: string) => facts.filter((fact) => fact.name === name) };
}

test("looks at every part, and a missing agent or credential store is nothing wrong", async () => {
  const { code, of } = await doctor(machine());
  expect(code).toBe(0);
  for (const name of ["runtime", "tracing", "settings", "store", "git", "agent", "secrets"])
    expect(of(name).length, name).toBeGreaterThan(0);
  expect(of("agent")[0]).toMatchObject({ status: "note", mend: "foregone agent start" });
  expect(of("secrets")[0]).toMatchObject({ status: "ok", text: expect.stringContaining("foregone secrets init") });
}, 30_000);

test("a wrong setting and an open credential store are failures with what mends them, and the rest is still said", async () => {
  const here = machine();
  const { root } = here;
  mkdirSync(join(root, ".credentials"));
  writeFileSync(join(root, ".credentials/credentials.json.enc"), "x");
  chmodSync(join(root, ".credentials"), 0o755);
  const { code, of } = await doctor(here, { FOREGONE_AGENT_PORT: "many" });
  expect(code).toBe(1);
  expect(of("settings")[0]).toMatchObject({ status: "fail", text: expect.stringContaining("FOREGONE_AGENT_PORT") });
  expect(of("tracing").length).toBe(1);
  const open = await doctor(here);
  expect(open.code).toBe(1);
  expect(open.of("secrets").find(({ status }) => status === "fail")?.mend).toMatch(/^chmod 700 .*\.credentials$/);
}, 30_000);
