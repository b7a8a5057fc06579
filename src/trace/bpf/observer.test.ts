import { describe } from "vitest";
import { observerContract, SEES_ALL } from "../../testing/observer.contract.ts";
import { loadLibc } from "../ffi.ts";
import { openLocalTracer } from "./local.ts";
import { ebpfObserver } from "./observer.ts";

describe("ebpf, in this process", () => {
  observerContract(async () => {
    const libc = await loadLibc();
    if ("unavailable" in libc) return libc;
    if (process.getuid?.() !== 0) return { unavailable: "needs root" };
    return ebpfObserver(libc, async () => openLocalTracer(libc));
  }, SEES_ALL);
});
