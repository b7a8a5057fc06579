import fs from "node:fs";
import { expect, test } from "vitest";
import { seriesOf } from "../../report/metrics.ts";
import { Counters } from "../../store/counters.ts";
import { diskStore } from "../../store/disk.ts";
import { openFolder, pathOf } from "../../store/folder.ts";
import { runCli } from "../../testing/cli.ts";
import { diskEffects } from "../../testing/disk-folder.ts";
import { recordInto } from "../../testing/record-into.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";

/** Paths and ages differ from run to run. */
const redacted = (text: string, root: string): string =>
  text
    .replaceAll(root, "ROOT")
    .replace(/[\d.]+ (?:bytes|kB) of/, "SIZE of")
    .replace(/\d+ (?:s|min|h|days) ago/g, "AGO")
    .replace(/[0-9a-f]{2}\/[0-9a-f]{62}/g, "NAME")
    .replace(/sha256:[0-9a-f]{64}/g, "DIGEST");

async function setUp() {
  const root = temporaryFolder();
  const folder = openFolder(diskEffects, root);
  const cli = async (...argv: string[]) => {
    const ran = await runCli(argv, { cwd: root, env: { FOREGONE_CACHE_DIR: root, HOME: root } });
    return { ...ran, stdout: redacted(ran.stdout, root), stderr: redacted(ran.stderr, root) };
  };
  return { root, folder, store: diskStore(folder), cli };
}

test("foregone stats shows the store and what the decisions saved", async () => {
  const { folder, store, cli } = await setUp();
  expect((await cli("stats")).stdout).toMatch(/0 records, 0 blobs\ndecisions {2}none yet\n$/);
  await recordInto(store, { name: "a" });
  const counters = new Counters(folder);
  counters.add(seriesOf("foregone_decisions_total", { kind: "skip", basis: "trace" }));
  counters.add(seriesOf("foregone_decisions_total", { kind: "run", basis: "none" }), 2);
  counters.add(seriesOf("foregone_misses_total", { reason: "no-record" }));
  counters.add(seriesOf("foregone_misses_total", { reason: "changed" }), 2);
  counters.add(seriesOf("foregone_audits_total", { result: "false-skip" }));
  counters.add(seriesOf("foregone_saved_seconds_total"), 125);
  counters.add(seriesOf("foregone_decide_seconds_total"), 1.5);
  await counters.flush();
  const { stdout, code } = await cli("stats");
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      "store      SIZE of 5.4 GB in ROOT/v1",
      "           1 record, 3 blobs, the oldest last used AGO",
      "decisions  3: 1 skip (33%), 2 runs",
      "           runs by first reason: changed 2, no-record 1",
      "saved      2 min 5 s; spent on deciding 1.50 s",
      "audits     1, 1 FALSE SKIP",
      "",
    ].join("\n"),
  );
  expect(JSON.parse((await cli("stats", "--json")).stdout)).toMatchObject({
    store: { records: 1, blobs: 3 },
    decisions: { decisions: 3, skips: 1, savedMs: 125_000, falseSkips: 1, reasons: { changed: 2, "no-record": 1 } },
  });
});

test("foregone verify says what is wrong and exits 1; --repair mends it", async () => {
  const { folder, store, cli } = await setUp();
  const { output } = await recordInto(store, { name: "a" });
  const { stdout, code } = await cli("verify");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^ok {4}blobs {4}3 hashed again \(.*\)\nok {4}records {2}1 entry in 1 log authenticated, with all they need\nnothing wrong\n$/,
  );
  fs.writeFileSync(pathOf(folder, "blobs", output), "other bytes");
  const wrong = await cli("verify");
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain("fail  wrong-bytes  ROOT/v1/blobs/NAME: its bytes have the digest DIGEST\n");
  expect(wrong.stdout).toContain("1 problem; mend: foregone verify --repair");
  expect(JSON.parse((await cli("verify", "--json")).stdout)).toMatchObject({ problems: [{ kind: "wrong-bytes" }] });
  const mended = await cli("verify", "--repair");
  expect(mended.code).toBe(0);
  expect(mended.stdout).toContain("mended  wrong-bytes");
  expect((await cli("verify")).code).toBe(0);
});

test("foregone gc says what it removed and kept", async () => {
  const { folder, store, cli } = await setUp();
  await recordInto(store, { name: "a", recordedAt: diskEffects.clock.now() });
  const old = await recordInto(store, { name: "old", recordedAt: 1 });
  for (const digest of [old.record, old.output, old.content]) fs.utimesSync(pathOf(folder, "blobs", digest), 1, 1);
  const dry = await cli("gc", "--dry-run", "--max-age", "7d");
  expect(dry.stdout).toMatch(
    /^would remove 1 record entry, 3 blobs, 0 left-overs: .*\nwould keep 1 record entry, .* \(limits: 5\.4 GB, unused for 7 days\)\n$/,
  );
  expect(await store.records.lookup(old.weak)).toHaveLength(1);
  expect((await cli("gc", "--json")).stdout).toContain('"entriesRemoved": 1');
  expect(await store.records.lookup(old.weak)).toEqual([]);
  expect((await cli("gc", "--max-size", "1B")).stdout).toContain("was used within the last hour");
});

test("foregone gc exits 11 while another is at work, and 2 for a size that is none", async () => {
  const { folder, cli } = await setUp();
  fs.writeFileSync(`${folder.path}/gc.lock`, "");
  expect(await cli("gc")).toMatchObject({ code: 11, stderr: expect.stringContaining("error E_LOCKED: another gc") });
  const { code, stderr } = await cli("gc", "--max-size", "much");
  expect(code).toBe(2);
  expect(stderr).toContain("--max-size: want a size such as 64MiB");
});

test("a store that cannot be used is exit 10 with a hint, not a bug", async () => {
  const { folder, cli } = await setUp();
  fs.chmodSync(folder.path, 0o755);
  for (const command of ["gc", "verify", "stats"]) {
    const { code, stderr } = await cli(command);
    expect(code).toBe(10);
    expect(stderr).toMatch(
      /^foregone: error E_STORE: others may read or write ROOT\/v1 \(mode 755\)\nforegone: hint: chmod 700 ROOT\/v1\n$/,
    );
  }
});
