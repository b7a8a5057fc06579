import { expect, test } from "vitest";
import { loadLibc } from "./ffi.ts";

test("memory keeps its address and calls see errno", async (context) => {
  const libc = await loadLibc();
  if ("unavailable" in libc) return context.skip(libc.unavailable);
  const memory = libc.alloc(64);
  memory.bytes.write("/does/not/exist\0");
  const access = libc.func("int access(void*, int)");
  expect(access(memory.pointer, 0)).toBe(-1);
  expect(libc.errno()).toBe(2);
  expect(memory.address).toBeGreaterThan(0n);
});
