// The real browser, if there is one: Debian's chromium. Tests that need it say so and are skipped without it.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Why there is none; undefined if there is one. */
export const noChromium: string | undefined = PATHS.some((path) => existsSync(path))
  ? undefined
  : "no chromium here: apt-get install chromium";

/** Never talks to another host by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: PATHS.find((path) => existsSync(path)) ?? "",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
