import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Child, childOf } from "../testing/child.ts";
import { labContext, newVersion, setCredentials } from "../testing/secrets-lab.ts";
import { copyOfStore, inspectStore, labStore } from "../testing/secrets-store.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { createStore } from "./create.ts";
import { versionsOf } from "./model.ts";
import { inSession, type OpenStore } from "./session.ts";
import { openValue } from "./values.ts";

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/secrets-child.ts");
});
afterAll(() => child[Symbol.dispose]());

/** What a person finds after the crash: the store opens, every value opens, the audit log verifies, and writing goes on. */
async function assertSound(folder: string): Promise<OpenStore> {
  const { opened, everyValueOpens, problems } = await inspectStore(folder);
  expect([everyValueOpens, problems]).toEqual([true, []]);
  const after = await setCredentials(labContext(folder), newVersion("AFTER", "after-the-crash"));
  expect(after.state.generation).toBe(opened.state.generation + 1);
  expect(readdirSync(folder).filter((name) => name.includes(".new"))).toEqual([]);
  return opened;
}

function fixture(): Promise<string> {
  return labStore(newVersion("TOKEN", "first-value"), newVersion("OTHER", "other-value"));
}

/** Every effect of the operation, and the middle of every write. */
async function killPoints(operation: string, from: string | undefined): Promise<[number, string][]> {
  const folder = from === undefined ? join(temporaryFolder(), "store") : copyOfStore(from);
  const { code, stdout, stderr } = await child.run(folder, operation);
  expect([code, stderr]).toEqual([0, ""]);
  return (JSON.parse(stdout) as string[]).flatMap((effect, i): [number, string][] =>
    effect === "write"
      ? [
          [i + 1, "before"],
          [i + 1, "half"],
        ]
      : [[i + 1, "before"]],
  );
}

test.each([
  ["set", 2],
  ["rotate", 2],
  ["import", 2],
  ["rotate-master", 2],
  ["append", 2],
])(
  "kill -9 at each step of %s leaves the old store or the new one",
  async (operation, least) => {
    const from = await fixture();
    const before = await inSession(labContext(from), (session) => session.open());
    const points = await killPoints(operation, from);
    expect(points.length).toBeGreaterThan(least);
    const seen = new Set<string>();
    for (const [at, how] of points) {
      const folder = copyOfStore(from);
      const { signal } = await child.run(folder, operation, String(at), how);
      expect(signal).toBe("SIGKILL");
      const { state, master } = await assertSound(folder);
      const generation = state.generation - before.state.generation;
      expect([0, 1], `${operation} killed ${how} effect ${at}`).toContain(generation);
      const [newest] = versionsOf(state, "TOKEN", { kind: "repo", id: "456" });
      const value = newest && openValue(state, master, newest).reveal().toString();
      const current = state.keys.find((k) => k.state === "current")?.kid;
      seen.add(`${generation} ${value} ${current}, ${state.versions.length} versions`);
    }
    const expected: Record<string, string[]> = {
      set: ["0 first-value k1, 2 versions", "1 second-value k1, 2 versions"],
      // The old one is valid through the grace.
      rotate: ["0 first-value k1, 2 versions", "1 second-value k1, 3 versions"],
      // All of them or none: two more versions, and a credential that was not there.
      import: ["0 first-value k1, 2 versions", "1 second-value k1, 5 versions"],
      "rotate-master": ["0 first-value k1, 2 versions", "1 first-value k2, 2 versions"],
      append: ["0 first-value k1, 2 versions"],
    };
    expect([...seen].toSorted()).toEqual(expected[operation]);
  },
  240_000,
);

test("kill -9 at each step of init leaves no store or a whole one, and init can be done again", async () => {
  const points = await killPoints("init", undefined);
  let whole = 0;
  for (const [at, how] of points) {
    const folder = join(temporaryFolder(), "store");
    const { signal } = await child.run(folder, "init", String(at), how);
    expect(signal).toBe("SIGKILL");
    if (readdirSync(join(folder, "..")).includes("store")) whole += 1;
    else await createStore(labContext(folder), { provider: "file" });
    await assertSound(folder);
  }
  expect(whole).toBeGreaterThan(0);
  expect(whole).toBeLessThan(points.length);
}, 120_000);
