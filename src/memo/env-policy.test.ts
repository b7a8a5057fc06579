import { describe, expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { classifyEnv, envDigest, planEnvironment } from "./env-policy.ts";

const KEY = Buffer.alloc(32, 1);

test.for([
  ["NODE_ENV", "input"],
  ["PATH", "input"],
  ["GITHUB_REPOSITORY", "input"],
  ["GITHUB_WORKSPACE", "input"],
  ["SHLVL", "noise"],
  ["PWD", "noise"],
  ["FOREGONE_CACHE_DIR", "noise"],
  ["GITHUB_SHA", "volatile"],
  ["GITHUB_REF_NAME", "volatile"],
  ["GITHUB_EVENT_PATH", "volatile"],
  ["GITHUB_RUN_ID", "volatile"],
  ["ACTIONS_RUNTIME_TOKEN", "volatile"],
  ["SSH_AUTH_SOCK", "volatile"],
  ["MY_GITHUB_SHA", "input"],
] as const)("%s is %s", ([name, expected]) => expect(classifyEnv(name)).toBe(expected));

describe("planEnvironment()", () => {
  const env = { B: "2", A: "1", GITHUB_SHA: "abc", _: "/bin/x", LANG: "C", LC_ALL: "C", SECRET: "s" };
  test("hash: all is passed, all but noise and volatile ones are fingerprinted, sorted", () => {
    const plan = planEnvironment(env, { policy: "hash", declared: [], key: KEY }, nodeHasher);
    expect(plan.passed).toEqual(env);
    expect(Object.keys(plan.hashed)).toEqual(["A", "B", "LANG", "LC_ALL", "SECRET"]);
    expect(plan.volatile).toEqual(["GITHUB_SHA"]);
  });
  test("strict: only the basics and what is declared reach the command", () => {
    const plan = planEnvironment(env, { policy: "strict", declared: ["A"], key: KEY }, nodeHasher);
    expect(Object.keys(plan.passed)).toEqual(["A", "LANG", "LC_ALL"]);
    expect(Object.keys(plan.hashed)).toEqual(["A", "LANG", "LC_ALL"]);
  });
  test("a declared variable is an input even if it is volatile", () => {
    const plan = planEnvironment(env, { policy: "hash", declared: ["GITHUB_SHA"], key: KEY }, nodeHasher);
    expect(Object.keys(plan.hashed)).toContain("GITHUB_SHA");
    expect(plan.volatile).toEqual([]);
  });
});

test("envDigest() shows neither value nor that two variables have the same one", () => {
  const of = (name: string, value: string, key = KEY): string => envDigest(name, value, key, nodeHasher);
  expect(of("A", "x")).toMatch(/^[0-9a-f]{32}$/);
  expect(of("A", "x")).toBe(of("A", "x"));
  expect(
    new Set([of("A", "x"), of("B", "x"), of("A", "y"), of("A", "x", Buffer.alloc(32, 2)), of("A\0x", "")]).size,
  ).toBe(5);
});
