import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { calls, calls32 } from "./calls.ts";
import { harmless, harmless32 } from "./harmless.ts";
import { type Abi, syscallsOf } from "./table.ts";

const HEADERS: Record<"x86-64" | "i386", string> = {
  "x86-64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
  i386: "/usr/include/x86_64-linux-gnu/asm/unistd_32.h",
};

describe.each<[Abi, number]>([
  ["x86-64", 384],
  ["i386", 459],
  ["arm64", 320],
])("%s", (abi, atLeast) => {
  const table = syscallsOf(abi);
  test("has no number twice and is sorted", () => {
    const numbers = table.map((s) => s.nr);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(table.length).toBeGreaterThanOrEqual(atLeast);
  });
  test("fits the half of the map that the BPF program gives each ABI", () => {
    expect(table.at(-1)?.nr).toBeLessThan(512);
  });
});

test.for(["x86-64", "i386"] as const)("%s classifies every number of the system's own header", (abi, context) => {
  const header = HEADERS[abi];
  if (!existsSync(header)) return context.skip(`no ${header}`);
  const known = new Map(syscallsOf(abi).map((s) => [s.nr, s.name]));
  const unclassified: string[] = [];
  let seen = 0;
  for (const [, name, nr] of readFileSync(header, "utf8").matchAll(/^#define __NR_(\w+)\s+(\d+)$/gm)) {
    seen++;
    if (known.get(Number(nr)) !== name) unclassified.push(`${nr} ${name}`);
  }
  expect(seen).toBeGreaterThan(350);
  expect(unclassified).toEqual([]);
});

test("no name is both harmless and not", () => {
  for (const name of harmless) expect(calls[name], name).toBeUndefined();
  for (const name of harmless32) expect(calls[name] ?? calls32[name], name).toBeUndefined();
});

test("every classified name exists on some ABI", () => {
  const names = new Set((["x86-64", "i386", "arm64"] as const).flatMap((abi) => syscallsOf(abi).map((s) => s.name)));
  for (const name of [...Object.keys(calls), ...Object.keys(calls32), ...harmless, ...harmless32])
    expect(names.has(name), name).toBe(true);
});

test("argument positions that are easy to get wrong", () => {
  const of = (abi: Abi, name: string) => syscallsOf(abi).find((s) => s.name === name);
  expect(of("x86-64", "symlinkat")).toMatchObject({ nr: 266, call: { path: 0, dirfd2: 1, path2: 2 } });
  expect(of("x86-64", "fanotify_mark")).toMatchObject({ nr: 301, call: { dirfd: 3, path: 4 } });
  expect(of("i386", "fanotify_mark")).toMatchObject({ nr: 339, call: { dirfd: 4, path: 5 } });
  expect(of("x86-64", "statx")).toMatchObject({ nr: 332, call: { flags: 2 } });
  expect(of("arm64", "newfstatat")).toMatchObject({ nr: 79, call: { dirfd: 0, path: 1, flags: 3 } });
  expect(of("arm64", "open")).toBeUndefined();
});
