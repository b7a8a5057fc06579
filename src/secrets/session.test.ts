import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ErrorCode, ForegoneError } from "../core/errors.ts";
import { type Child, childOf } from "../testing/child.ts";
import {
  changeContext,
  labContext,
  newVersion,
  setCredentials,
  settableClock,
  stoppingDisk,
} from "../testing/secrets-lab.ts";
import { copyOfStore, inspectStore, labStore } from "../testing/secrets-store.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { createStore } from "./create.ts";
import { chooseFlock, takeLock } from "./lock.ts";
import { versionsOf } from "./model.ts";
import { forgetRetiredKeys, rotateMaster } from "./rotate-master.ts";
import { inSession, type OpenStore, STORE_FILE } from "./session.ts";

const open = (folder: string): Promise<OpenStore> => inSession(labContext(folder), (session) => session.open());
const codeOf = (work: Promise<unknown>): Promise<ErrorCode | "none"> =>
  work.then(
    () => "none" as const,
    (error: ForegoneError) => error.code,
  );
const file = (folder: string, name = STORE_FILE): string => join(folder, name);

test("init writes a private folder of private files and refuses to write over anything", async () => {
  const folder = await labStore();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(file(folder, name)).mode & 0o777, name).toBe(0o600);
  const before = readFileSync(file(folder));
  expect(await codeOf(createStore(labContext(folder), { provider: "file" }))).toBe("E_STORE");
  expect(readFileSync(file(folder))).toEqual(before);

  const founding = join(temporaryFolder(), "credentials");
  await createStore(labContext(founding), { provider: "file" });
  for (const name of readdirSync(founding)) if (name !== STORE_FILE) rmSync(file(founding, name));
  writeFileSync(file(founding), "a founding store");
  expect(await codeOf(createStore(labContext(founding), { provider: "file" }))).toBe("E_STORE");
  expect(readFileSync(file(founding), "utf8")).toBe("a founding store");
});

describe("a store that is not as it was left", () => {
  test.each<[string, ErrorCode, RegExp, (folder: string) => void]>([
    ["no folder", "E_STORE", /no credential store/, (f) => rmSync(f, { recursive: true })],
    ["an empty folder", "E_STORE", /no credential store/, (f) => readdirSync(f).forEach((n) => rmSync(file(f, n)))],
    ["no key file", "E_KEY", /no master key: .*\.master_key\.k1 is missing/, (f) => rmSync(file(f, ".master_key.k1"))],
    [
      "another store's key",
      "E_KEY",
      /does not hold key k1/,
      (f) =>
        writeFileSync(
          file(f, ".master_key.k1"),
          `foregone-master-key/1 kid=k1 ${Buffer.alloc(32, 9).toString("base64")}\n`,
        ),
    ],
    ["a missing store file", "E_DAMAGED", /credentials\.json\.enc is missing/, (f) => rmSync(file(f))],
    ["an empty store file", "E_DAMAGED", /not in a format/, (f) => writeFileSync(file(f), "")],
    ["an unknown format", "E_DAMAGED", /not in a format/, (f) => edit(f, (b) => b.write("foregone-secrets/2"))],
    [
      "a store that is too large",
      "E_DAMAGED",
      /more than 16777216/,
      (f) => writeFileSync(file(f), Buffer.alloc(16 * 1024 * 1024 + 1)),
    ],
    ["one bit flipped in the body", "E_DAMAGED", /altered or cut/, (f) => edit(f, (b) => flip(b, b.length - 20))],
    [
      "a body that was cut",
      "E_DAMAGED",
      /altered or cut/,
      (f) => writeFileSync(file(f), readFileSync(file(f)).subarray(0, -1)),
    ],
    ["an edited key id", "E_KEY", /is missing/, (f) => replaceText(f, "kid=k1", "kid=k2")],
    ["an edited store id", "E_DAMAGED", /altered or cut/, (f) => edit(f, (b) => flip(b, 25))],
    [
      "the generation before",
      "E_ROLLED_BACK",
      /is generation 2, but the audit log says that generation 3/,
      (f) => copyFileSync(file(f, `${STORE_FILE}.1`), file(f)),
    ],
    ["no chain", "E_DAMAGED", /\.chain is missing/, (f) => rmSync(file(f, ".chain"))],
    ["no audit log", "E_DAMAGED", /audit\.log is missing/, (f) => rmSync(file(f, "audit.log"))],
    [
      "an audit log cut at its end",
      "E_DAMAGED",
      /was cut/,
      (f) => writeFileSync(file(f, "audit.log"), readFileSync(file(f, "audit.log")).subarray(0, -300)),
    ],
    [
      "an audit log with a line of somebody else",
      "E_DAMAGED",
      /not one that this program wrote/,
      (f) => writeFileSync(file(f, "audit.log"), '{"seq":1}\n', { flag: "a" }),
    ],
    ["a store open to the group", "E_UNSAFE", /mode 640/, (f) => chmodSync(file(f), 0o640)],
    ["a key open to the world", "E_UNSAFE", /mode 604/, (f) => chmodSync(file(f, ".master_key.k1"), 0o604)],
    ["a folder open to the group", "E_UNSAFE", /mode 750/, (f) => chmodSync(f, 0o750)],
    ["a chain open to the world", "E_UNSAFE", /mode 602/, (f) => chmodSync(file(f, ".chain"), 0o602)],
    ["a link in place of the store", "E_UNSAFE", /symbolic link/, (f) => asLink(f, STORE_FILE)],
    ["a link in place of the key", "E_UNSAFE", /symbolic link/, (f) => asLink(f, ".master_key.k1")],
    ["a folder in place of the store", "E_UNSAFE", /is not a file/, (f) => asFolder(f)],
  ])("%s: %s, and nothing is created or changed", async (_, code, message, spoil) => {
    const folder = await labStore(newVersion("TOKEN", "first-value"));
    await setCredentials(labContext(folder), newVersion("TOKEN", "second-value"));
    spoil(folder);
    const before = snapshot(folder);
    const failure = open(folder).then(
      () => undefined,
      (error: ForegoneError) => error,
    );
    expect(await failure).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
    expect(await codeOf(setCredentials(labContext(folder), newVersion("X", "some-value")))).toBe(code);
    expect(snapshot(folder)).toEqual(before);
  });

  test("files and folder of another uid are refused", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root to give a file away");
    for (const name of [STORE_FILE, ".master_key.k1", "audit.log", ".chain"]) {
      const folder = await labStore();
      chownSync(file(folder, name), 65534, 65534);
      // The log is opened when something is appended.
      expect(await codeOf(setCredentials(labContext(folder), newVersion("X", "some-value"))), name).toBe("E_UNSAFE");
    }
    const folder = await labStore();
    chownSync(folder, 65534, 65534);
    expect(await codeOf(open(folder))).toBe("E_UNSAFE");
  });
});

const edit = (folder: string, change: (bytes: Buffer) => void): void => {
  const bytes = readFileSync(file(folder));
  change(bytes);
  writeFileSync(file(folder), bytes);
};
const flip = (bytes: Buffer, at: number): void => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
};
const replaceText = (folder: string, from: string, to: string): void =>
  writeFileSync(file(folder), readFileSync(file(folder), "latin1").replace(from, to), "latin1");
const asLink = (folder: string, name: string): void => {
  renameSync(file(folder, name), `${folder}.elsewhere`);
  symlinkSync(`${folder}.elsewhere`, file(folder, name));
};
const asFolder = (folder: string): void => {
  rmSync(file(folder));
  symlinkSync("/nonexistent", file(folder, "aside"));
  rmSync(file(folder, "aside"));
  renameSync(temporaryFolder(), file(folder));
};
const snapshot = (folder: string): Record<string, string> =>
  existsSync(folder)
    ? Object.fromEntries(
        readdirSync(folder)
          .filter((name) => name !== ".lock" && statSync(file(folder, name)).isFile())
          .map((name) => [name, readFileSync(file(folder, name), "base64")]),
      )
    : {};

test.each(["ENOSPC", "EROFS", "EIO"])(
  "%s at each effect of a write changes nothing or all, and says which",
  async (errno) => {
    const from = await labStore(newVersion("TOKEN", "first-value"));
    const dry = stoppingDisk(0, () => {
      throw new Error("unreachable");
    });
    await setCredentials(
      labContext(copyOfStore(from), { disk: dry }),
      newVersion("TOKEN", "second-value", { othersUntil: 0 }),
    );
    for (let at = 1; at <= dry.effects.length; at++) {
      const folder = copyOfStore(from);
      const disk = stoppingDisk(at, (_, half) => {
        half?.();
        throw Object.assign(new Error(`${errno}: injected`), { code: errno });
      });
      const failed = await setCredentials(
        labContext(folder, { disk }),
        newVersion("TOKEN", "second-value", { othersUntil: 0 }),
      ).then(
        () => undefined,
        (error: ForegoneError) => error,
      );
      const { opened, everyValueOpens, problems } = await inspectStore(folder);
      expect([everyValueOpens, problems], `${dry.effects[at - 1]} ${at}`).toEqual([true, []]);
      const written = opened.state.generation === 3;
      const told = failed === undefined || failed.message.startsWith("written, but not confirmed");
      // A write that is reported as failed without that sentence did not happen.
      expect(told || !written, `${dry.effects[at - 1]} ${at}: ${failed?.message}`).toBe(true);
      expect(["E_STORE", undefined]).toContain(failed?.code);
    }
  },
);

describe("many writers", () => {
  let child: Child;
  beforeAll(async () => {
    child = await childOf("src/testing/secrets-child.ts");
  });
  afterAll(() => child[Symbol.dispose]());

  // 8 x 200 takes most of a minute on two cores: the long suite's.
  const each = process.env["FOREGONE_TEST_LONG"] === undefined ? 20 : 200;
  test(`8 processes of ${each} writes each lose nothing and leave a whole audit log`, async () => {
    const folder = await labStore();
    const writers = Array.from({ length: 8 }, (_, i) => child.run(folder, "writes", String(each), `W${i}`));
    for (const { code, stderr } of await Promise.all(writers)) expect([code, stderr]).toEqual([0, ""]);
    const { opened, everyValueOpens, problems } = await inspectStore(folder);
    expect([everyValueOpens, problems]).toEqual([true, []]);
    expect(new Set(opened.state.versions.map((v) => v.name)).size).toBe(8 * each);
    expect(opened.state.generation).toBe(8 * each + 1);
  }, 240_000);

  test("a writer that is killed while it holds the lock does not hold up the next", async () => {
    const folder = await labStore();
    const { signal } = await child.run(folder, "set", "3");
    expect(signal).toBe("SIGKILL");
    const started = performance.now();
    await setCredentials(labContext(folder), newVersion("NEXT", "next-value"));
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("a lock that is held is E_LOCKED after the deadline, by program and by library", async () => {
    const path = join(temporaryFolder(), ".lock");
    const held = await takeLock(path, await chooseFlock(false), 1000);
    for (const many of [false, true])
      expect(await codeOf(takeLock(path, await chooseFlock(many), 50))).toBe("E_LOCKED");
    held.release();
    const again = await takeLock(path, await chooseFlock(true), 50);
    expect(again.holds()).toBe(true);
    rmSync(path);
    expect(again.holds()).toBe(false);
    again.release();
  });
});

test("a clock set back revives nothing: time is the later of the clock and the last audit line", async () => {
  const folder = await labStore();
  const clock = settableClock(4_000_000_000);
  const context = labContext(folder, { clock });
  await setCredentials(context, newVersion("TOKEN", "some-value"));
  clock.set(1_000_000_000);
  await inSession(context, async (session) => expect(session.now()).toBe(4_000_000_000));
});

test("rotate-master gives every version a new wrap and no new value, and forgets the old key after the grace", async () => {
  const folder = await labStore(
    newVersion("A", "value-of-a"),
    newVersion("B", "value-of-b", { scope: { kind: "global", id: "" } }),
  );
  const before = await open(folder);
  const clock = settableClock(2_000_000_000);
  const context = labContext(folder, { clock });
  await inSession(context, async (session) =>
    rotateMaster(session, await session.open(), changeContext(session.now()), "file"),
  );
  const after = await inspectStore(folder);
  expect([after.everyValueOpens, after.problems]).toEqual([true, []]);
  const { state } = after.opened;
  expect(after.opened.master.equals(before.master)).toBe(false);
  for (const version of before.state.versions) {
    const [rotated] = versionsOf(state, version.name, version.scope);
    expect([rotated?.kid, rotated?.value.equals(version.value), rotated?.wrap.equals(version.wrap)]).toEqual([
      "k2",
      true,
      false,
    ]);
  }
  const names = (): string[] => readdirSync(folder).filter((name) => name.startsWith(".master_key"));
  const forget = (): Promise<OpenStore> =>
    inSession(context, async (session) =>
      forgetRetiredKeys(session, await session.open(), changeContext(session.now()), 100),
    );
  clock.set(2_000_000_099);
  expect((await forget()).state.keys.map((k) => k.state)).toEqual(["retired", "current"]);
  expect(names()).toEqual([".master_key.k1", ".master_key.k2"]);
  clock.set(2_000_000_100);
  expect((await forget()).state.keys.map((k) => k.kid)).toEqual(["k2"]);
  expect(names()).toEqual([".master_key.k2"]);
  expect((await inspectStore(folder)).everyValueOpens).toBe(true);
});

test("a store whose key has sealed 2^31 texts asks for a new key and takes no more", async () => {
  const folder = await labStore(newVersion("TOKEN", "some-value"));
  const context = labContext(folder);
  const full = inSession(context, async (session) => {
    const from = await session.open();
    const keys = from.state.keys.map((k) => ({ ...k, seals: 2 ** 31 }));
    session.commit(from, { state: { ...from.state, keys }, events: [{ action: "set" }] });
  });
  await expect(full).rejects.toThrow("2^31");
  expect((await open(folder)).state.generation).toBe(2);
});
