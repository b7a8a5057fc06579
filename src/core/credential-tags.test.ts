import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { planEnvironment } from "../memo/env-policy.ts";
import { CREDENTIAL_TAGS, credentialTags, type TaggedVariable, taggedVariables } from "./credential-tags.ts";

const V1 = "1".repeat(64);
const V2 = "2".repeat(64);
const given = (value: string, tag?: string): TaggedVariable => ({ name: "TOKEN", value, ...(tag && { tag }) });

/** As a command sees it below `secrets exec`. */
function below(outer: Readonly<Record<string, string>>, ...values: readonly TaggedVariable[]): Record<string, string> {
  return {
    ...outer,
    ...Object.fromEntries(values.map(({ name, value }) => [name, value])),
    [CREDENTIAL_TAGS]: credentialTags(outer, values, nodeHasher),
  };
}

test("a tag is read back with its value, and never holds it", () => {
  const env = below({}, given("value-of-token", V1), { name: "OWN", value: "without-a-version" });
  expect(taggedVariables(env, nodeHasher)).toEqual([
    given("value-of-token", V1),
    { name: "OWN", value: "without-a-version" },
  ]);
  expect(env[CREDENTIAL_TAGS]).not.toContain("value");
});

test("a variable that was given another value since stays a secret, and its tag does not count", () => {
  const env = { ...below({}, given("value-of-token", V1)), TOKEN: "another-value" };
  expect(taggedVariables(env, nodeHasher)).toEqual([given("another-value")]);
});

test("credentials of an outer exec stay named; one that is given anew is named once", () => {
  const outer = below({}, given("value-of-token", V1), { name: "OTHER", value: "other-value" });
  const inner = below(outer, given("rotated-value", V2));
  expect(taggedVariables(inner, nodeHasher)).toEqual([
    { name: "OTHER", value: "other-value" },
    given("rotated-value", V2),
  ]);
});

test("what is no tag names nothing", () => {
  for (const text of ["", ",", "=", "TOKEN=", `TOKEN=${V1}`, `TOKEN=${V1}.zz`, "A B", "TOKEN=x=y"])
    expect(taggedVariables({ TOKEN: "value", [CREDENTIAL_TAGS]: text }, nodeHasher)).toEqual([]);
});

test("of a credential a run observes the version: rotation is a miss, the same version elsewhere is not", () => {
  const hashed = (env: Record<string, string>): string | undefined =>
    planEnvironment(env, { policy: "hash", declared: [], key: Buffer.from("k") }, nodeHasher).hashed["TOKEN"];
  const first = hashed(below({}, given("value-of-token", V1)));
  expect(hashed(below({ OTHER: "x" }, given("value-of-token", V1)))).toBe(first);
  const others = [
    below({}, given("value-of-token", V2)),
    { ...below({}, given("value-of-token", V1)), TOKEN: "set-by-a-script" },
    { TOKEN: "value-of-token" },
    { TOKEN: `tag ${V1}` },
  ].map(hashed);
  expect(others).not.toContain(first);
});
