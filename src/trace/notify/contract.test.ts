import { beforeAll, describe } from "vitest";
import { ObserveProgram } from "../../testing/observe.ts";
import { observerContract } from "../../testing/observer.contract.ts";
import { loadLibc } from "../ffi.ts";
import { createNotifyObserver } from "./observer.ts";

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
// The fixture's chroot, mounts and network namespace: paths are told, what they mean is not known here.
const blind = { outcomes: true, misses: [], admits: ["namespace"] };

describe("notify, as the user who runs the tests", () => {
  observerContract(
    async () => {
      const libc = await loadLibc();
      return "unavailable" in libc ? libc : createNotifyObserver(libc);
    },
    { ...blind, noNewPrivs: !isRoot },
  );
});

describe("notify, as nobody", () => {
  let program: ObserveProgram | undefined;
  beforeAll(async () => {
    if (isRoot) program = await ObserveProgram.build();
    return () => program?.[Symbol.dispose]();
  });
  observerContract(
    async () => program?.observer({ uid: NOBODY }) ?? { unavailable: "needs root to become nobody" },
    // It may neither chroot nor mount; a refused attempt counts all the same, as outcomes are not seen.
    { ...blind, noNewPrivs: true, uid: NOBODY },
  );
});
