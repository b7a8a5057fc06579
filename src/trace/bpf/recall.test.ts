import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { programs, recall } from "../../testing/recall.ts";
import { libcAsRoot } from "../../testing/root-tracer.ts";
import { openLocalTracer } from "./local.ts";
import { ebpfObserver } from "./observer.ts";

/** The others take half a minute: npm run test:long. */
const QUICK = new Set(["make and gcc", "sh pipelines", "python"]);

describe("every path that strace shows is an event:", () => {
  test.for(programs)("$name", { timeout: 120_000 }, async (program, context) => {
    if (process.env["FOREGONE_TEST_LONG"] === undefined && !QUICK.has(program.name)) return context.skip("long");
    if (spawnSync("strace", ["--version"]).error !== undefined) return context.skip("no strace");
    if (spawnSync(program.argv[0] ?? "", ["--version"]).error !== undefined) return context.skip(`no ${program.name}`);
    const libc = await libcAsRoot(context);
    const { missing, losses, calls } = await recall(
      ebpfObserver(libc, async () => openLocalTracer(libc)),
      program,
    );
    expect(missing).toEqual([]);
    expect(losses).toEqual({});
    expect(calls).toBeGreaterThan(10);
  });
});
