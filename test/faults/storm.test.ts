// A million events in a second: each is seen, or their loss is a gap; the command ends as it would have; memory stays bounded.
import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { bundle } from "../../src/testing/bundle.ts";
import { compile } from "../../src/testing/compile.ts";
import { observerOrReason } from "../../src/testing/traced.ts";

const THREADS = 8;
/** A stop and an answer cost notify 10 µs each: there the storm is as slow as its observer, and a tenth of it will do. */
const CALLS = { ebpf: 1_000_000, notify: process.env["FOREGONE_TEST_LONG"] === undefined ? 100_000 : 1_000_000 };
/** 400 MB of log (src/trace/interpret/log.ts: 200 B an entry, of which there are half as many), the ring, and Node itself. */
const MAX_RSS_KIB = 900 * 1024;

const RUN = `
  import { readFileSync, statSync } from "node:fs";
  import { nodeFiles } from "./src/node/ports.ts";
  import { chooseObserver } from "./src/trace/choose.ts";
  import { makeInterpreter } from "./src/trace/interpret/interpreter.ts";
  const [backend, ringBytes, ...argv] = process.argv.slice(2);
  const { observer } = await chooseObserver(backend, { ringBytes: Number(ringBytes) });
  const interpreter = makeInterpreter({
    files: nodeFiles,
    mountinfo: readFileSync("/proc/self/mountinfo", "latin1"),
    mountNs: statSync("/proc/self/ns/mnt").ino,
    startNs: BigInt(Date.now()) * 1_000_000n,
    tempRoots: [],
  });
  let names = 0;
  const { exit, seal, durationMs } = await observer.run({
    argv,
    cwd: "/",
    env: process.env,
    onOutput: () => undefined,
    onEvent(event) {
      if (event.type === "look" && event.path.string.startsWith("/nonexistent/")) names++;
      interpreter.onEvent(event);
    },
  });
  const { gaps, looks } = interpreter.finish(seal);
  const absent = looks.some((look) => look.kind === "absent" && look.path === "/nonexistent");
  const { maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ exit, lost: seal.lost, names, gaps, absent, durationMs, maxRSS }));
`;

interface Told {
  readonly exit: { readonly kind: string; readonly code?: number };
  readonly lost: Readonly<Record<string, number>>;
  readonly names: number;
  readonly gaps: readonly { readonly kind: string; readonly count?: number }[];
  readonly absent: boolean;
  readonly durationMs: number;
  readonly maxRSS: number;
}

async function storm(backend: "ebpf" | "notify", ringBytes: number): Promise<Told | string> {
  const stress = compile("test/fixtures/stress.c");
  if (typeof stress !== "string") return stress.unavailable;
  const reason = await observerOrReason(backend);
  if (typeof reason === "string") return reason;
  const argv = [stress, String(CALLS[backend] / THREADS), String(THREADS), "1"];
  const child = spawn(process.execPath, [await bundle(RUN), backend, String(ringBytes), ...argv], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) text += String(chunk);
  return JSON.parse(text) as Told;
}

describe.each(["ebpf", "notify"] as const)("on %s", (backend) => {
  test(`${CALLS[backend]} distinct look-ups by ${THREADS} threads`, { timeout: 300_000 }, async (context) => {
    const told = await storm(backend, 64 << 20);
    if (typeof told === "string") return context.skip(told);
    expect(told.exit).toEqual({ kind: "exited", code: 0 });
    const lost = told.lost["lost"] ?? 0;
    expect(told.names + lost).toBeGreaterThanOrEqual(CALLS[backend]);
    // Every loss, of whatever kind, is a gap; without loss there is none, and the look is there.
    const losses = Object.values(told.lost).filter((count) => count > 0);
    expect(told.gaps.length, JSON.stringify(told)).toBe(losses.length);
    if (losses.length === 0) expect(told).toMatchObject({ names: CALLS[backend], absent: true });
    expect(told.maxRSS).toBeLessThan(MAX_RSS_KIB);
  });
});

test(
  "into the smallest ring, more than its reader takes: the loss is a gap, and exact",
  { timeout: 300_000 },
  async (context) => {
    const told = await storm("ebpf", 1 << 20);
    if (typeof told === "string") return context.skip(told);
    expect(told.exit).toEqual({ kind: "exited", code: 0 });
    const lost = told.lost["lost"] ?? 0;
    expect(lost).toBeGreaterThan(0);
    expect(told.gaps).toContainEqual({ kind: "events-lost", count: lost, what: "lost" });
    // Other records than these were lost too: forks, the program's own start and end.
    expect(told.names + lost).toBeGreaterThanOrEqual(CALLS.ebpf);
    expect(told.names).toBeLessThan(CALLS.ebpf);
  },
);
