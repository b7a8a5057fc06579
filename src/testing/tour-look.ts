// The dashboard as the tour leaves it: whether all four things are there, and pictures of them.
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";

/** View, and what must stand in it. */
const EXPECTED = [
  ["decisions", "node --test --test-reporter=dot test/"],
  ["api", "get repo info"],
  ["scans", "eslint"],
  ["credentials", "DEPLOY_TOKEN"],
] as const;

/** @returns what is missing */
export async function missingOnDashboard(browser: Browser, url: string): Promise<readonly string[]> {
  const page = await opened(browser, url, { width: 1280, height: 900 });
  const missing: string[] = [];
  for (const [view, text] of EXPECTED) {
    await show(page, view);
    const found = await page.waitForSelector(`main:has-text(${JSON.stringify(text)})`, { timeout: 15_000 }).then(
      () => true,
      () => false,
    );
    if (!found) missing.push(`${view}: ${text}`);
  }
  await page.context().close();
  return missing;
}

const LARGE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };

/** Pictures of what people look at first; each view settles before it is taken. */
export async function takePictures(browser: Browser, url: string, folder: string): Promise<void> {
  for (const [name, view, size, dark] of [
    ["overview", "", LARGE, false],
    ["api", "api", LARGE, false],
    ["scans", "scans", LARGE, false],
    ["credentials", "credentials", LARGE, false],
    ["agent", "agent", LARGE, true],
    ["phone", "", PHONE, true],
    ["decision", "decisions?text=tsc", LARGE, false],
  ] as const) {
    const page = await opened(browser, url, size, dark ? "dark" : "light");
    await page.selectOption(".range select", "1");
    await show(page, view);
    if (name === "decision") {
      await page.click(".decision-row a");
      await page.waitForSelector(".area");
    }
    await settled(page);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: name !== "phone" });
    await page.context().close();
  }
}

async function opened(
  browser: Browser,
  url: string,
  viewport: { readonly width: number; readonly height: number },
  colorScheme: "light" | "dark" = "light",
): Promise<Page> {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector(".tile");
  return page;
}

async function show(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${view}`)}`);
  await page.waitForSelector(".card");
}

async function settled(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => undefined);
  await page.waitForFunction("!/Loading|connecting/.test(document.body.innerText)");
  await page.evaluate("document.activeElement?.blur()");
}
