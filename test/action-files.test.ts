// Every action and workflow file of the repository, and every workflow of the manual, by the official parser; and the manual's tables
// against action.yml.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { parse } from "yaml";

interface Checked {
  readonly name: string;
  readonly errors: readonly string[];
}
interface Source {
  readonly name: string;
  readonly kind: "action" | "workflow";
  readonly content: string;
}

/** Importing the parser fails on every Node (ERR_IMPORT_ASSERTION_TYPE_MISSING), so it is bundled into a program of its own. */
async function check(sources: readonly Source[]): Promise<readonly Checked[]> {
  const folder = mkdtempSync(resolve("node_modules", ".check-"));
  try {
    const outfile = join(folder, "check.cjs");
    const contents = `
      import { readFileSync } from "node:fs";
      import { NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
      import { parseAction } from "@actions/workflow-parser/actions/action-parser";
      const trace = new NoOperationTraceWriter();
      const found = JSON.parse(readFileSync(0, "utf8")).map((file) => {
        const { context } = (file.kind === "action" ? parseAction : parseWorkflow)(file, trace);
        return { name: file.name, errors: context.errors.getErrors().map((error) => error.message) };
      });
      process.stdout.write(JSON.stringify(found));`;
    await build({
      stdin: { contents, resolveDir: resolve("."), loader: "js" },
      outfile,
      bundle: true,
      platform: "node",
      format: "cjs",
      logLevel: "error",
    });
    const { stdout, stderr, status } = spawnSync(process.execPath, [outfile], {
      input: JSON.stringify(sources),
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as Checked[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ACTIONS = ["action.yml", ...readdirSync("actions").map((name) => `actions/${name}/action.yml`)];

test("the official parser finds no fault in our actions and in the workflows of the manual", async () => {
  const actions = ACTIONS.map((name): Source => ({ name, kind: "action", content: readFileSync(name, "utf8") }));
  const blocks = [...readFileSync("docs/action.md", "utf8").matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    (match) => match[1] ?? "",
  );
  const workflows = blocks.map((block, i): Source => {
    const text = block.replaceAll("<owner>/foregone@<sha>", "acme/foregone@v1").replaceAll("<sha>", "v1");
    const whole = /^jobs:/m.test(text)
      ? text
      : text
          .replace(/^steps:\n/m, "jobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n")
          .replace(/^ {2}- /gm, "      - ")
          .replace(/^ {4}with:/gm, "        with:");
    return {
      name: `docs/action.md, block ${i + 1}`,
      kind: "workflow",
      content: /^on:/m.test(whole) ? whole : `on: push\n${whole}`,
    };
  });
  expect(workflows.length).toBeGreaterThanOrEqual(5);
  const checked = await check([...actions, ...workflows]);
  expect(checked.filter(({ errors }) => errors.length > 0)).toEqual([]);
});

test("the official parser would find one", async () => {
  const [checked] = await check([
    {
      name: "x.yml",
      kind: "action",
      content: "name: x\ndescription: y\nfoo: 1\nruns: { using: node24, main: a.js }\n",
    },
  ]);
  expect(checked?.errors).toEqual([expect.stringContaining("Unexpected value 'foo'")]);
});

test("the tables of the manual name every input and output, and no other", () => {
  const { inputs, outputs } = parse(readFileSync("action.yml", "utf8")) as Record<
    "inputs" | "outputs",
    Record<string, unknown>
  >;
  const manual = readFileSync("docs/action.md", "utf8");
  const named = (title: string): string[] => {
    const section = manual.slice(manual.indexOf(`## ${title}`)).split("\n## ")[0] ?? "";
    const first = section
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.split("|")[1] ?? "");
    return first.flatMap((cell) => [...cell.matchAll(/`([\w-]+)`/g)].map((match) => match[1] ?? "")).sort();
  };
  expect(named("Inputs")).toEqual(Object.keys(inputs).sort());
  expect(named("Outputs")).toEqual(Object.keys(outputs).sort());
});
