import { expect, test } from "vitest";
import { nodeStoreFiles } from "../node/store-files.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { History } from "./history.ts";

const HOUR_MS = 3_600_000;
const NOW = 1_000 * HOUR_MS;

function history(maxAgeMs?: number): History {
  const log = { files: nodeStoreFiles, path: `${temporaryFolder()}/history`, maxBytes: 1e6 };
  const writer = new History(log);
  for (let ago = 100; ago >= 0; ago -= 10) writer.add({ t: NOW - ago * HOUR_MS, v: { reads: 100 - ago } });
  return new History(log, maxAgeMs);
}

test("dashboard.history bounds how far back samples are shown", () => {
  const [all, day] = [history(), history(24 * HOUR_MS)];
  for (const each of [all, day]) each.refresh(NOW);
  expect(all.range(["reads"], 0, NOW, 10_000).length).toBe(11);
  expect(day.range(["reads"], 0, NOW, 10_000).map(({ v }) => v["reads"])).toEqual([80, 90, 100]);
});

test("no setting keeps more than the thirty days that are on disk", () => {
  expect(history(9_000 * HOUR_MS).maxAgeMs).toBe(720 * HOUR_MS);
});

test("thinning keeps the first sample: growth counts from there", () => {
  const thin = history();
  thin.refresh(NOW);
  expect(thin.range(["reads"], 0, NOW, 1).map(({ v }) => v["reads"])).toEqual([0, 90, 100]);
});
