import { describe } from "vitest";
import { observerContract } from "../../testing/observer.contract.ts";
import { loadLibc } from "../ffi.ts";
import { createNotifyObserver } from "./observer.ts";

describe("notify, as root", () => {
  observerContract(
    async () => {
      const libc = await loadLibc();
      if ("unavailable" in libc) return libc;
      return createNotifyObserver(libc);
    },
    // Its chroot and its mounts: paths are told, what they mean is not known here.
    { outcomes: true, misses: [], admits: ["namespace"], noNewPrivs: process.getuid?.() !== 0 },
  );
});
