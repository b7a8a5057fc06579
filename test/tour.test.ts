// docs/tour.md says what a new user sees: its lines are run, by a user without rights, and print that. The clone and its set-up,
// which take a minute, are left to `node scripts/tour.mjs --fresh`.
import { chmodSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { buildPage } from "../scripts/build-page.mjs";
import { buildWorkers } from "../scripts/worker-build.mjs";
import { bundle, CLI } from "../src/testing/bundle.ts";
import { launchChromium, noChromium } from "../src/testing/chromium.ts";
import { comparable, parseTour, withOutputs } from "../src/testing/tour.ts";
import { missingOnDashboard } from "../src/testing/tour-look.ts";
import { noTour, runTour } from "../src/testing/tour-run.ts";

const PAGE = "docs/tour.md";

test("the tour prints what its page says, and all four things are on the dashboard", async (context) => {
  const why = noTour(resolve("."));
  if (why !== undefined) context.skip(why);
  const program = await bundle(CLI);
  // Readable for the user of the tour.
  chmodSync(dirname(program), 0o755);
  await buildWorkers(dirname(program));
  await buildPage(join(dirname(program), "dashboard"));
  const page = readFileSync(PAGE, "utf8");
  let missing: readonly string[] | undefined;
  const { outputs } = await runTour({
    page,
    repository: resolve("."),
    program,
    async onDashboard(url) {
      if (noChromium !== undefined) return;
      const browser = await launchChromium();
      missing = await missingOnDashboard(browser, url);
      await browser.close();
    },
  });
  for (const { text, output, line } of parseTour(page))
    if (outputs.has(line)) expect(comparable(outputs.get(line) ?? []), text).toEqual(comparable(output));
  expect(missing ?? []).toEqual([]);
  expect(outputs.size).toBeGreaterThan(30);
}, 180_000);

test("what is written into the page is what it is read as", () => {
  const page = ["# T", "```console", "$ a", "> b", "old", "old", "$ c", "```", "end"].join("\n");
  const [first, second] = parseTour(page);
  expect([first, second]).toEqual([
    { text: "a\nb", output: ["old", "old"], line: 3, fresh: false },
    { text: "c", output: [], line: 7, fresh: false },
  ]);
  const written = withOutputs(
    page,
    new Map([
      [3, ["new"]],
      [7, ["more"]],
    ]),
  );
  expect(written).toBe(["# T", "```console", "$ a", "> b", "new", "$ c", "more", "```", "end"].join("\n"));
});
