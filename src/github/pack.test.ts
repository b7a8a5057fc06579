import { expect, test } from "vitest";
import { nodeHasher, systemRandom } from "../node/ports.ts";
import { diskStore } from "../store/disk.ts";
import { openFolder, type StoreFolder } from "../store/folder.ts";
import { diskEffects } from "../testing/disk-effects.ts";
import { PROVEN, testEngine, type TestEngine } from "../testing/github-engine.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { pack, unpack } from "./pack.ts";
import type { RuleFile } from "./rules.ts";
import { ruleFile } from "./state.ts";
import { deriveKeys } from "./seal.ts";

const BOUNDS = { perKey: 4, maxBytes: 1e8 };
const PATHS = Array.from({ length: 12 }, (_, i) => `/repos/o/r${i}`);

const rulesOf = (folder: StoreFolder): RuleFile => ruleFile(folder, systemRandom);
/** Magic, and no verdicts. */
const HEAD = 24;

interface Machine {
  readonly folder: StoreFolder;
  readonly t: TestEngine;
}

/** In memory, which is enough for who unpacks. */
function reader(of: TestEngine, secret = 7): TestEngine {
  const { double, table, time } = of;
  return testEngine({ keys: deriveKeys(new Uint8Array(32).fill(secret), ""), double, table, time });
}

function machine(): Machine {
  const folder = openFolder(diskEffects, temporaryFolder());
  return { folder, t: testEngine({ store: diskStore(folder), keys: deriveKeys(new Uint8Array(32).fill(7), "") }) };
}

async function packed(): Promise<{ first: Machine; bytes: Buffer }> {
  const first = machine();
  for (const path of PATHS) first.t.table.set(path, { path, private: true });
  for (const path of PATHS) await first.t.ask(path, "ghp_a");
  await first.t.engine.flush();
  return { first, bytes: (await pack(first.folder, first.t.store, rulesOf(first.folder), BOUNDS)) ?? Buffer.alloc(0) };
}

test("what one machine packed saves another of the same fleet every paid read, and is of no use to a third", async () => {
  const { first, bytes } = await packed();
  expect(bytes.includes("private")).toBe(false);
  const member = reader(first.t);
  expect(await unpack(bytes, member.store, PROVEN, nodeHasher)).toBe(PATHS.length);
  expect(await unpack(bytes, member.store, PROVEN, nodeHasher)).toBe(0);
  for (const path of PATHS) expect((await member.ask(path, "ghs_b")).mode).toBe("REVALIDATED");
  const stranger = reader(first.t, 8);
  await unpack(bytes, stranger.store, PROVEN, nodeHasher);
  for (const path of PATHS) expect((await stranger.ask(path, "ghs_c")).mode).toBe("MISS");
});

test("cut at any place and flipped anywhere, a pack brings less, and never a wrong answer", async () => {
  const { first, bytes } = await packed();
  for (let i = 0; i < 60; i++) {
    const at = Math.floor((bytes.length * i) / 60);
    const cut = bytes.subarray(0, at);
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    for (const damaged of [cut, flipped]) {
      const member = reader(first.t);
      expect(await unpack(damaged, member.store, PROVEN, nodeHasher)).toBeLessThanOrEqual(PATHS.length);
      const path = PATHS[i % PATHS.length] ?? "";
      expect((await member.ask(path, "ghs_b")).text).toBe(JSON.stringify({ path, private: true }));
    }
  }
  expect(await unpack(Buffer.from("not a pack at all"), first.t.store, PROVEN, nodeHasher)).toBe(0);
});

test("verdicts about the rule travel with it, to machines that have none of their own", async () => {
  const { first, bytes } = await packed();
  const verdicts = '[["api.github.com json",{"verdict":"proven"}]]';
  rulesOf(first.folder).save(verdicts);
  const told = (await pack(first.folder, first.t.store, rulesOf(first.folder), BOUNDS)) ?? Buffer.alloc(0);
  const { folder, t } = machine();
  await unpack(bytes, t.store, rulesOf(folder), nodeHasher);
  expect(rulesOf(folder).load()).toBeUndefined();
  await unpack(told, t.store, rulesOf(folder), nodeHasher);
  expect(rulesOf(folder).load()).toBe(verdicts);
  rulesOf(folder).save("[]");
  await unpack(told, t.store, rulesOf(folder), nodeHasher);
  expect(rulesOf(folder).load()).toBe("[]");
});

test("a pack keeps to its bounds, the newest first; of nothing there is none", async () => {
  const { first, bytes } = await packed();
  const item = (bytes.length - HEAD) / PATHS.length;
  const half = await pack(first.folder, first.t.store, rulesOf(first.folder), {
    perKey: 4,
    maxBytes: HEAD + item * 6.5,
  });
  expect(half?.length).toBeLessThanOrEqual(HEAD + item * 6.5);
  const member = reader(first.t);
  expect(await unpack(half ?? Buffer.alloc(0), member.store, PROVEN, nodeHasher)).toBe(6);
  const empty = machine();
  expect(await pack(empty.folder, empty.t.store, rulesOf(empty.folder), BOUNDS)).toBeUndefined();
});
