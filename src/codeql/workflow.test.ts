import { expect, test } from "vitest";
import { readJobScan } from "./workflow.ts";

const YAML = `
name: CodeQL
on: [push]
env: { GLOBAL: "1" }
jobs:
  analyze:
    name: Analyze \${{ matrix.language }}
    strategy: { matrix: { language: [go, python] } }
    steps:
      - uses: actions/checkout@v5
      - name: Init
        uses: github/codeql-action/init@0123abc
        with: { languages: "\${{ matrix.language }}", build-mode: none, tools: linked, ram: "\${{ inputs.ram }}" }
        env: { CODEQL_ACTION_EXTRA_OPTIONS: "{}" }
      - run: make
      - uses: github/codeql-action/analyze@0123abc
        with: { category: "/language:\${{matrix.language}}" }
  other: { runs-on: x, steps: [{ run: "1" }] }
  reused: { uses: ./.github/workflows/x.yml }
`;

const scan = (yaml: string, job = "analyze", matrix: Record<string, unknown> = { language: "go" }) => {
  const found = readJobScan(yaml, job, matrix);
  if ("why" in found) throw new Error(found.why);
  return found;
};

test("readJobScan() takes literals and matrix values of init and analyze", () => {
  expect(scan(YAML)).toMatchObject({
    init: { languages: "go", "build-mode": "none", tools: "linked" },
    analyze: { category: "/language:go" },
    actionRef: "0123abc",
    stepEnv: { CODEQL_ACTION_EXTRA_OPTIONS: "{}" },
    unresolved: [],
  });
});

test("readJobScan() lists inputs that only the runner can evaluate", () => {
  expect(scan(YAML.replace("tools: linked", 'tools: "${{ vars.TOOLS }}"')).unresolved).toEqual(["init.tools"]);
  expect(scan(YAML, "analyze", {}).unresolved).toEqual(["init.languages", "analyze.category"]);
});

test("the definition changes with what the job does, not with names, other jobs or comments", () => {
  const base = JSON.stringify(scan(YAML).definition);
  const same = [
    YAML.replace("name: Init", "name: Start"),
    YAML.replace("name: CodeQL", "name: Scan"),
    YAML.replace("name: Analyze", "name: Other"),
    YAML.replace('run: "1"', 'run: "2"'),
    `${YAML}# comment\n`,
  ];
  for (const yaml of same) expect(JSON.stringify(scan(yaml).definition)).toBe(base);
  const different = [
    YAML.replace("run: make", "run: make all"),
    YAML.replace('GLOBAL: "1"', 'GLOBAL: "2"'),
    YAML.replace("checkout@v5", "checkout@v6"),
  ];
  for (const yaml of different) expect(JSON.stringify(scan(yaml).definition)).not.toBe(base);
  expect(JSON.stringify(scan(YAML, "analyze", { language: "python" }).definition)).not.toBe(base);
  const version = YAML.replace("run: make", "run: make\n        env: { V: 3.10 }");
  expect(JSON.stringify(scan(version).definition)).toContain('"3.10"');
});

test("anchors count as what they stand for", () => {
  const aliased = (run: string): string =>
    YAML.replace("run: make", "run: *it").replace('GLOBAL: "1"', `GLOBAL: &it ${run}`);
  expect(JSON.stringify(scan(aliased("make")).definition)).not.toBe(JSON.stringify(scan(aliased("other")).definition));
  expect(JSON.stringify(scan(aliased("make")).definition)).toContain('"run":"make"');
});

test.each([
  ["no such job", YAML, "missing", 'no job "missing"'],
  ["a reusable workflow", YAML, "reused", "no steps of its own"],
  ["a job without CodeQL", YAML, "other", "0 init and 0 analyze"],
  ["two init steps", YAML.replace("- run: make", "- uses: github/codeql-action/init@x"), "analyze", "2 init"],
  ["broken YAML", "a: [", "analyze", "no YAML"],
  ["doubled keys", "jobs: {}\njobs: {}", "analyze", "no YAML"],
])("readJobScan() does not guess at %s", (_, yaml, job, why) => {
  expect(readJobScan(yaml, job, {})).toMatchObject({ why: expect.stringContaining(why) as string });
});
