import { expect, test } from "vitest";
import { panelMarkdown } from "./exposition.ts";
import { grownSince, statsLine } from "./growth.ts";

const skips = 'foregone_decisions_total{kind="skip",basis="trace"}';
const runs = 'foregone_decisions_total{kind="run",basis="none"}';

test("a job's numbers are what grew since its start; gauges are as they are now", () => {
  const before = { [skips]: 10, [runs]: 4, foregone_saved_seconds_total: 100, foregone_peers_connected: 2 };
  const now = { [skips]: 13, [runs]: 4, foregone_saved_seconds_total: 352, foregone_peers_connected: 2 };
  const grown = grownSince(before, now);
  expect(grown).toEqual({ [skips]: 3, foregone_saved_seconds_total: 252, foregone_peers_connected: 2 });
  expect(statsLine(grown)).toBe("3 of 3 decisions skipped, saved 4 min 12 s");
  expect(panelMarkdown(grown)).toContain("| skips | 3 (100 %) |");
});

test("one line says each part that did something, and nothing for a quiet hour", () => {
  expect(statsLine({ foregone_peers_connected: 3 })).toBeUndefined();
  expect(
    statsLine({
      [runs]: 1,
      'foregone_audits_total{result="false-skip"}': 1,
      'foregone_api_requests_total{outcome="paid"}': 9,
      'foregone_api_requests_total{outcome="certified"}': 231,
      'foregone_codeql_scans_total{outcome="skipped"}': 1,
      foregone_codeql_saved_seconds_total: 300,
      'foregone_credential_accesses_total{decision="granted"}': 2,
    }),
  ).toBe(
    "0 of 1 decision skipped; 1 FALSE SKIP; 240 API reads, 9 paid; 1 of 1 scan skipped, saved 5 min 0 s; 2 accesses to credentials, 0 denied",
  );
});
