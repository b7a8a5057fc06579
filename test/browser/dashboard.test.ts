// The dashboard in a real browser: what people see, with the keyboard, on a phone, in the dark, and what an attacker gets.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildPage } from "../../scripts/build-page.mjs";
import type { EpochMs } from "../../src/ports.ts";
import { appendDecision } from "../../src/store/decisions.ts";
import { launchChromium, noChromium } from "../../src/testing/chromium.ts";
import { type DashboardFixture, dashboardFixture } from "../../src/testing/dashboard-fixture.ts";
import { temporaryFolder } from "../../src/testing/temporary-folder.ts";

const VIEWS = ["overview", "decisions", "commands", "api", "scans", "peers", "credentials", "agent"];
const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let root: string;
let fixture: DashboardFixture;
let browser: Browser;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "foregone-dashboard-"));
  await buildPage(join(root, "page"));
  fixture = await dashboardFixture({ root: join(root, "store"), page: join(root, "page"), decisions: 500 });
  if (noChromium === undefined) browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await fixture.web.stop();
  rmSync(root, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  /** Console errors, exceptions and refused requests; must stay empty. */
  readonly troubles: string[];
  /** Hosts asked. */
  readonly hosts: Set<string>;
}

async function open(options: Parameters<Browser["newContext"]>[0] = {}, url = fixture.url): Promise<Opened> {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const troubles: string[] = [];
  const hosts = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("requestfailed", (request) => {
    // A stream or a look-up that the page itself gave up is no trouble.
    if (request.failure()?.errorText !== "net::ERR_ABORTED")
      troubles.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await page.goto(url);
  return { page, troubles, hosts };
}

async function show(page: Page, view: string): Promise<void> {
  await page.evaluate((hash) => (location.hash = hash), view === "overview" ? "#/" : `#/${view}`);
  await page.waitForSelector(".card");
  await page.waitForFunction(() => !document.body.innerText.includes("Loading"));
}

describe.skipIf(noChromium !== undefined)(
  `the dashboard in a browser${noChromium === undefined ? "" : ` (${noChromium})`}`,
  () => {
    test.each([
      ["light", { colorScheme: "light" }],
      ["dark", { colorScheme: "dark" }],
      ["on a phone", { viewport: { width: 390, height: 844 }, colorScheme: "dark", isMobile: true, hasTouch: true }],
    ] as const)(
      "every view is accessible, %s, without errors and without another host",
      async (_, options) => {
        const { page, troubles, hosts } = await open(options);
        await page.waitForSelector(".tile");
        for (const view of VIEWS) {
          await show(page, view);
          expect(await violations(page), view).toEqual([]);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow, `${view} is wider than the screen`).toBeLessThanOrEqual(0);
        }
        await page.goto(`${fixture.web.address()}/#/decisions`);
        await page.click(".decision-row a");
        await page.waitForSelector("table.inputs");
        await page.waitForSelector(".area");
        expect(await violations(page), "a decision").toEqual([]);
        expect(troubles).toEqual([]);
        expect([...hosts]).toEqual([new URL(fixture.url).host]);
      },
      60_000,
    );

    test("a decision made meanwhile appears by itself", async () => {
      const { page } = await open();
      await page.waitForSelector(".connection.live");
      appendDecision(fixture.log, {
        at: Date.now() as EpochMs,
        command: ["make", "fresh"],
        workspace: "/w",
        cwd: ".",
        kind: "skip",
        basis: "trace",
        misses: [],
        missCount: 0,
        compared: { file: 3 },
        gaps: [],
        optOuts: [],
        decideMs: 12,
        savedMs: 60_000,
      });
      await page.waitForSelector("text=make fresh");
      expect(await page.textContent(".rows li:first-child .command")).toBe("make fresh");
    });

    test("from a decision to the single input, and into a folder of the map", async () => {
      const { page } = await open();
      await show(page, "decisions?kind=run&reason=changed");
      await page.click(".decision-row a");
      await page.waitForSelector(".misses li");
      expect(await page.textContent(".misses li .change")).toMatch(/file 644 [0-9a-f]{8} → 644 [0-9a-f]{8}/);
      await page.waitForSelector("table.inputs");
      await page.fill("input.search >> nth=0", "zoneinfo");
      await page.waitForFunction(() => document.querySelectorAll("table.inputs tbody tr").length === 4);
      await page.click("button.area[aria-label^='open system']", { position: { x: 20, y: 8 } });
      await page.waitForSelector(".crumbs button:has-text('system')[aria-current]");
      await page.waitForSelector(".area-name:has-text('x86_64-linux-gnu')");
    });

    test("filters narrow the list, and are in the address", async () => {
      const { page } = await open();
      await show(page, "decisions");
      await page.click("a:has-text('skipped')");
      await page.fill("input.search", "cargo");
      await page.waitForFunction(() => location.hash.includes("text=cargo"));
      await page.waitForFunction(() => {
        const commands = [...document.querySelectorAll(".command")];
        return commands.length > 0 && commands.every((e) => e.textContent?.includes("cargo"));
      });
      expect(await page.$$eval(".verdict", (all) => [...new Set(all.map((e) => e.textContent))])).toEqual(["skip"]);
      expect(page.url()).toContain("kind=skip");
      await page.reload();
      await page.waitForSelector(".decision-row");
      expect(await page.inputValue("input.search")).toBe("cargo");
    });

    test("the keyboard is enough", async () => {
      const { page } = await open();
      await page.waitForSelector(".tile");
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
      await page.keyboard.press("2");
      await page.waitForSelector("h2:has-text('Decisions')");
      await page.waitForSelector(".decision-row");
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("k");
      expect(await page.evaluate(() => document.activeElement?.parentElement?.className)).toBe("decision-row");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".facts");
      await page.keyboard.press("2");
      await page.waitForSelector("input.search");
      await page.keyboard.press("/");
      expect(await page.evaluate(() => document.activeElement?.className)).toBe("search");
      await page.keyboard.type("2 j");
      expect(await page.inputValue("input.search")).toBe("2 j");
    });

    test("the key leaves the address at once, and a reload keeps it", async () => {
      const { page } = await open();
      await page.waitForSelector(".tile");
      expect(page.url()).toBe(`${fixture.web.address()}/#/`);
      await page.reload();
      await page.waitForSelector(".tile");
    });

    test("without the key the page shows nothing but how to get it", async () => {
      const { page } = await open({}, fixture.web.address());
      await page.waitForSelector("text=This page is locked");
      expect(await page.textContent("body")).not.toContain("npm test");
    });

    test("another page's script gets nothing, and cannot frame it", async () => {
      const evil = createServer((_, response) => {
        response.setHeader("content-type", "text/html");
        response.end(`<iframe src="${fixture.web.address()}/"></iframe>`);
      });
      await new Promise<void>((done) => evil.listen(0, "127.0.0.1", done));
      onTestFinished(() => void evil.close());
      const { port } = evil.address() as { port: number };
      const { page } = await open({}, `http://127.0.0.1:${port}/`);
      const got = await page.evaluate(
        async ([address, token]) => {
          const ask = async (options: RequestInit) => {
            try {
              return (await fetch(`${address}/api/summary`, options)).status;
            } catch {
              return "blocked";
            }
          };
          return [
            await ask({ headers: { authorization: `Bearer ${token}` } }),
            await ask({ mode: "no-cors" }),
            await ask({ method: "POST", mode: "no-cors", body: "x" }),
          ];
        },
        [fixture.web.address(), fixture.token],
      );
      expect(got).toEqual(["blocked", "blocked", "blocked"]);
      const frame = page.frames()[1];
      expect(await frame?.evaluate(() => document.body?.innerText ?? "").catch(() => "")).not.toContain("Foregone");
    });

    test("the page works with 100,000 decisions stored", async () => {
      const large = await dashboardFixture({ root: temporaryFolder(), page: join(root, "page"), decisions: 100_000 });
      onTestFinished(() => large.web.stop());
      const { page, troubles } = await open({}, large.url);
      await page.waitForSelector(".tile");
      await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 8);
      await show(page, "decisions");
      expect(await page.textContent(".card header .quiet")).toBe("100,000 in the log");
      for (let i = 2; i <= 4; i++) {
        await page.click("button.more");
        await page.waitForFunction((n) => document.querySelectorAll(".rows li").length === n, i * 50);
      }
      await show(page, "commands");
      await page.waitForSelector("table tbody tr:nth-child(8)");
      expect(troubles).toEqual([]);
    }, 120_000);
  },
);

test("the page is at most 250 KB", () => {
  const folder = join(root, "page");
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(bytes).toBeLessThanOrEqual(250_000);
  expect(readFileSync(join(folder, "app.js"), "utf8")).not.toMatch(/https?:\/\/(?!www\.w3\.org|127)/);
});

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

/** WCAG 2.2 A and AA, and axe's best practices. */
async function violations(page: Page): Promise<readonly string[]> {
  // Not by a script element: the page's own policy forbids foreign scripts, and that is right.
  await page.evaluate(readFileSync(axePath, "utf8"));
  const result = await page.evaluate(() => (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run());
  return result.violations.flatMap((v) =>
    v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary.slice(0, 300)}`),
  );
}
