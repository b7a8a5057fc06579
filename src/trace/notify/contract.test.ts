import { describe } from "vitest";
import { observerContract } from "../../testing/observer.contract.ts";
import { loadLibc } from "../ffi.ts";
import { createNotifyObserver } from "./observer.ts";

// What this back end does not report as an event of its own. Each leaves a gap all the same: see gaps.test.ts.
const MISSES: readonly string[] = [];

describe("notify, as root", () => {
  observerContract(
    async () => {
      const libc = await loadLibc();
      if ("unavailable" in libc) return libc;
      return createNotifyObserver(libc);
    },
    { outcomes: true, misses: MISSES, noNewPrivs: process.getuid?.() !== 0 },
  );
});
