import { expect, test } from "vitest";
import { expressionsIn, referencesIn } from "./expressions.ts";

const names = (text: string, bare = false): string[] =>
  expressionsIn(text, bare).flatMap((expression) =>
    referencesIn(expression).map(({ context, path }) => [context, ...path].join(".")),
  );

test.each([
  ["${{ github.sha }}", ["github.sha"]],
  ["a ${{ GitHub.Ref_Name }} b ${{ matrix['node'] }}", ["github.Ref_Name", "matrix.node"]],
  ["${{ github.event.pull_request.labels.*.name }}", ["github.event.pull_request.labels"]],
  ["${{ github['event'][inputs.key].x }}", ["github.event", "inputs.key"]],
  ["${{ toJSON(github) }}", ["github"]],
  ["${{ 'secrets.X' == format('it''s {0}', needs.a.outputs.b) }}", ["needs.a.outputs.b"]],
  ["${{ hashFiles('**/lock') }}", ["hashFiles"]],
  ["${{ HASHFILES ( 'x' ) }}", ["hashFiles"]],
  ["${{ steps.github.outputs.env }}", ["steps.github.outputs.env"]],
  ["${{ contains('}}', secrets.A) }}", ["secrets.A"]],
  ["no expression: github.sha", []],
  ["${{ always() && success() }}", []],
])("%s", (text, expected) => {
  expect(names(text)).toEqual(expected);
});

test("an `if` is an expression without braces", () => {
  expect(names("steps.a.outputs.skip != 'true' && vars.X", true)).toEqual(["steps.a.outputs.skip", "vars.X"]);
});
