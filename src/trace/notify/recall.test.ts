import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { programs, recall } from "../../testing/recall.ts";
import { loadLibc } from "../ffi.ts";
import { createNotifyObserver } from "./observer.ts";

/** The others take half a minute: npm run test:long. */
const QUICK = new Set(["make and gcc", "sh pipelines", "git"]);

describe("every path that strace shows is an event:", () => {
  test.for(programs)("$name", { timeout: 120_000 }, async (program, context) => {
    if (process.env["FOREGONE_TEST_LONG"] === undefined && !QUICK.has(program.name)) return context.skip("long");
    if (spawnSync("strace", ["--version"]).error !== undefined) return context.skip("no strace");
    if (spawnSync(program.argv[0] ?? "", ["--version"]).error !== undefined) return context.skip(`no ${program.name}`);
    const libc = await loadLibc();
    if ("unavailable" in libc) return context.skip(libc.unavailable);
    const { missing, losses, calls } = await recall(createNotifyObserver(libc), program);
    expect(missing).toEqual([]);
    expect(losses).toEqual({});
    expect(calls).toBeGreaterThan(10);
  });
});
