// The dashboard in a real browser with 100,000 decisions: first paint, first numbers, page size. The baseline is an empty page from
// the same server.
//   npm run bench -- dashboard [--decisions 100000] [--runs 10] [--out FILE]
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildPage } from "../scripts/build-page.mjs";
import { launchChromium, noChromium } from "../src/testing/chromium.ts";
import { dashboardFixture } from "../src/testing/dashboard-fixture.ts";
import { machine, median } from "./machine.ts";

if (noChromium !== undefined) throw new Error(noChromium);
const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    decisions: { type: "string", default: "100000" },
    runs: { type: "string", default: "10" },
    out: { type: "string" },
  },
});
const root = mkdtempSync(join(tmpdir(), "foregone-dashboard-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
const page = join(root, "page");
await buildPage(page);
const fixture = await dashboardFixture({ root: join(root, "store"), page, decisions: Number(values.decisions) });
const empty = createServer((_, response) => response.end("<!doctype html><title>x</title><p>x"));
await new Promise<void>((done) => empty.listen(0, "127.0.0.1", done));
const emptyUrl = `http://127.0.0.1:${(empty.address() as { port: number }).port}/`;
const browser = await launchChromium();

async function visit(url: string, wanted: string): Promise<{ readonly paintMs: number; readonly thereMs: number }> {
  const context = await browser.newContext();
  const tab = await context.newPage();
  const from = performance.now();
  await tab.goto(url);
  await tab.waitForSelector(wanted);
  const thereMs = performance.now() - from;
  const script = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN";
  let paintMs = Number.NaN;
  for (let i = 0; i < 200 && Number.isNaN(paintMs); i++) paintMs = (await tab.evaluate(script)) as number;
  await context.close();
  return { paintMs, thereMs };
}

// The first visit reads the log of decisions once; it is told apart.
const first = await visit(fixture.url, ".tile");
const visits: Awaited<ReturnType<typeof visit>>[] = [];
const bare: Awaited<ReturnType<typeof visit>>[] = [];
for (let i = 0; i < Number(values.runs); i++) {
  bare.push(await visit(emptyUrl, "p"));
  visits.push(await visit(fixture.url, ".tile"));
}
await browser.close();
await fixture.web.stop();
empty.close();
const medians = (all: typeof visits) => ({
  paintMs: median(all.map((v) => v.paintMs)),
  thereMs: median(all.map((v) => v.thereMs)),
});
const result = {
  ...machine(),
  decisions: Number(values.decisions),
  pageBytes: readdirSync(page).reduce((sum, name) => sum + statSync(join(page, name)).size, 0),
  firstVisit: first,
  dashboard: medians(visits),
  baseline: medians(bare),
  ratio: medians(visits).paintMs / medians(bare).paintMs,
  goals: { paintMs: 300, pageBytes: 250_000 },
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
