import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { envNames, OTHER_VARIABLES, parseEnv } from "./env.ts";

test("every variable that the program names is a setting's or has its line in OTHER_VARIABLES, and the other way round", () => {
  const named = new Set<string>();
  for (const entry of readdirSync("src", { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!/\.m?ts$/.test(entry.name) || entry.name.includes(".test.") || path.startsWith("src/testing/")) continue;
    for (const [, name = ""] of readFileSync(path, "utf8").matchAll(/\b(FOREGONE_[A-Z0-9_]*[A-Z0-9])\b/g))
      if (path !== join("src/config/env.ts")) named.add(name);
  }
  const known = new Set([...envNames().keys(), ...Object.keys(OTHER_VARIABLES)]);
  expect([...named].filter((name) => !known.has(name))).toEqual([]);
  expect(Object.keys(OTHER_VARIABLES).filter((name) => !named.has(name))).toEqual([]);
});

test("an unknown variable of ours that is close to a known one is noted; a key is none", () => {
  const { issues } = parseEnv({ FOREGONE_MASTER_KEY_FD: "3", FOREGONE_PASSPHRAS: "x", FOREGONE_TEST_LONG: "1" });
  expect(issues.map(({ message }) => message)).toEqual(["unknown variable FOREGONE_PASSPHRAS"]);
});
