import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CALLS } from "./call-table.ts";
import { AT, FLAG, HEAD_BYTES, KIND, MAX_RECORD_BYTES } from "./record.ts";

const header = readFileSync("native/record.h", "utf8");
const state = readFileSync("native/state.h", "utf8");
const defines = (text: string, prefix: string): Record<string, number> =>
  Object.fromEntries(
    [...text.matchAll(new RegExp(`^#define ${prefix}(\\w+)\\s+(\\d+)`, "gm"))].map(([, name = "", value]) => [
      name.toLowerCase(),
      Number(value),
    ]),
  );

test("kinds and flags are those of native/record.h", () => {
  expect(defines(header, "K_")).toEqual(KIND);
  expect(defines(header, "F_")).toEqual(FLAG);
});

test("offsets are those of struct head", () => {
  const size: Record<string, number> = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8 };
  const body = /struct head \{([^}]*)\}/.exec(header)?.[1]?.replaceAll(/\/\/.*/g, "") ?? "";
  const offsets: Record<string, number> = {};
  let at = 0;
  for (const [, type = "", names = ""] of body.matchAll(/(u8|u16|u32|s32|u64) ([\w, ]+);/g))
    for (const name of names.split(",").map((n) => n.trim())) {
      offsets[name.replaceAll(/_(\w)/g, (_, c: string) => c.toUpperCase())] = at;
      at += size[type] ?? Number.NaN;
    }
  expect(at).toBe(HEAD_BYTES);
  expect(offsets).toMatchObject(AT);
});

test("the table's layout and the largest record are those of native/state.h", () => {
  const table = { ...defines(state, "ABI_"), ...defines(state, "CALL_"), ...defines(state, "CALLS") };
  expect(table).toMatchObject({ numbers: CALLS.perAbi, socketcall: CALLS.socketcall, uring: CALLS.uring });
  expect(state).toContain(`#define CALLS ${CALLS.total}`);
  expect(state).toContain("#define DATA_SIZE (6 * MAX_PATH + 64)");
  expect(MAX_RECORD_BYTES).toBe(HEAD_BYTES + 6 * 4096 + 64);
});

test("counters are read in the order in which they lie", () => {
  const fields = /struct counters \{\s*u64 ([^;]*);/
    .exec(state)?.[1]
    ?.split(",")
    .map((f) => f.trim());
  const names = /const NAMES = \[([^\]]*)\]/.exec(readFileSync("src/trace/bpf/counters.ts", "utf8"))?.[1];
  expect(names?.match(/\w+/g)).toEqual(fields);
});
