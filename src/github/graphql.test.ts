import * as fc from "fast-check";
import { expect, test } from "vitest";
import { executedKind } from "./graphql.ts";

test.each([
  ["{ viewer { login } }", undefined, "query"],
  ["query Q($n: Int = 3, $o: In = {a: [1]}) @d(x: {y: 1}) { viewer { login(first: $n) } }", undefined, "query"],
  ["mutation { addStar(input: {}) { x } }", undefined, "mutation"],
  ["# query\nmutation { a }", undefined, "mutation"],
  ['query { a(b: "mutation { x }") }', undefined, "query"],
  ['query { a(b: """ " mutation \\""" { """) }', undefined, "query"],
  ["query A { a } mutation B { b }", "A", "query"],
  ["query A { a } mutation B { b }", "B", "mutation"],
  ["query A { a } mutation B { b }", undefined, undefined],
  ["query A { a } mutation B { b }", "C", undefined],
  ["fragment F on Query { a } query { ...F }", undefined, "query"],
  ["subscription { a }", undefined, "subscription"],
  ["\uFEFFquery query { query }", "query", "query"],
  ["query A { a } query A { b }", "A", undefined],
  ["query { a", undefined, undefined],
  ["query { a ) }", undefined, undefined],
  ['query { a(b: "unclosed) }', undefined, undefined],
  ["type X { a: Int }", undefined, undefined],
  ["fragment F on Query { a }", undefined, undefined],
  ["", undefined, undefined],
])("executedKind(%j, %j) is %j", (document, name, kind) => {
  expect(executedKind(document, name)).toBe(kind);
});

test("a mutation hidden behind comments, strings and other operations is never called a query", () => {
  const noise = fc.constantFrom("# x\n", "# mutation {\n", ",,", "\n", "\uFEFF", "fragment F on Q { a } ");
  const tail = fc.constantFrom(
    "",
    ' # "\n',
    'fragment G on Q { a(s: "}") }',
    'fragment G on Q { a(s: """ { \\""" """) }',
  );
  fc.assert(
    fc.property(fc.array(noise), tail, (before, after) => {
      expect(executedKind(`${before.join("")}mutation M { m(i: {}) { id } }${after}`, undefined)).toBe("mutation");
      expect(executedKind(`${before.join("")}query Q { q } ${before.join("")}mutation M { m }${after}`, "M")).toBe(
        "mutation",
      );
    }),
  );
});

test("a hostile document of a megabyte is judged in linear time", () => {
  const start = performance.now();
  expect(executedKind(`query { a(b: """${'\\"""'.repeat(250_000)}) }`, undefined)).toBeUndefined();
  expect(executedKind(`query { a(b: "${"\\".repeat(1_000_000)}) }`, undefined)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(2000);
});
