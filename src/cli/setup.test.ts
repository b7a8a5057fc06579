import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfigFile } from "../config/file.ts";
import { runCli } from "../testing/cli.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { completions } from "./completions.ts";
import { manPage } from "./man.ts";
import { commands } from "./table.ts";

const ENV = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };

function repository(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder();
  execFileSync("git", ["init", "-q", "-b", "trunk", root]);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const init = (cwd: string, ...args: readonly string[]) =>
  runCli(["init", "--action", "acme/foregone@v1", ...args], { cwd, env: ENV });

interface Workflow {
  readonly on: { readonly push: { readonly branches: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: {
    readonly test: {
      readonly steps: readonly {
        readonly uses?: string;
        readonly run?: string;
        readonly with?: Readonly<Record<string, string>>;
      }[];
    };
  };
}

describe("foregone init", () => {
  test.each([
    ["npm", { "package.json": '{"scripts":{"test":"vitest"}}', "package-lock.json": "{}" }, "npm test", "npm ci"],
    [
      "npm, with the placeholder test",
      { "package.json": '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1","check":"x"}}' },
      "npm run check",
      "npm install",
    ],
    [
      "pnpm",
      { "package.json": '{"scripts":{"test":"x"}}', "pnpm-lock.yaml": "" },
      "pnpm run test",
      "pnpm install --frozen-lockfile",
    ],
    [
      "yarn",
      { "package.json": '{"scripts":{"test":"x"}}', "yarn.lock": "" },
      "yarn run test",
      "yarn install --immutable",
    ],
    ["cargo", { "Cargo.toml": "", "Cargo.lock": "" }, "cargo test --locked --offline", "cargo fetch --locked"],
    ["go", { "go.mod": "module x" }, "go test ./...", "go mod download"],
    [
      "python",
      { "requirements.txt": "requests" },
      "python -m pytest",
      "python -m pip install pytest -r requirements.txt",
    ],
    ["maven", { "pom.xml": "", mvnw: "" }, "./mvnw -q verify", undefined],
    ["make", { Makefile: "all:\n\ntest: all\n\ttrue\n" }, "make test", undefined],
  ])("recognises %s and writes a workflow that runs its tests by the action", async (_, files, run, setup) => {
    const root = repository(files as unknown as Record<string, string>);
    const done = await init(root, "--yes");
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining(`to be skipped: ${run}\n`)]);
    const workflow = parse(readFileSync(join(root, ".github/workflows/foregone.yml"), "utf8")) as Workflow;
    const { steps } = workflow.jobs.test;
    expect(steps[0]?.uses).toMatch(/^actions\/checkout@/);
    expect(steps.at(-1)).toEqual({ uses: "acme/foregone@v1", with: { run } });
    expect(steps.map((s) => s.run)).toEqual(expect.arrayContaining(setup === undefined ? [] : [setup]));
    expect(workflow.on.push.branches).toEqual(["trunk"]);
    expect(workflow.permissions).toEqual({ contents: "read", actions: "read" });
    const config = readFileSync(join(root, ".github/cache-config.yml"), "utf8");
    expect(parseConfigFile(config, "x", "").issues).toEqual([]);
  });

  test("only shows, where nobody can be asked", async () => {
    const root = repository({ "go.mod": "module x" });
    const done = await init(root);
    expect(done.stdout).toContain("# .github/workflows/foregone.yml\nname: test\n");
    expect(done.stderr).toContain("foregone: hint: foregone init --yes writes them\n");
    expect(existsSync(join(root, ".github"))).toBe(false);
  });

  test("leaves what is there as it is", async () => {
    const root = repository({ "go.mod": "module x", ".github/cache-config.yml": "skip: {mode: off}\n" });
    const done = await init(join(root), "--yes");
    expect(done.stderr).toContain("foregone: note: .github/cache-config.yml is there and stays as it is\n");
    expect(readFileSync(join(root, ".github/cache-config.yml"), "utf8")).toBe("skip: {mode: off}\n");
    expect(readdirSync(join(root, ".github/workflows"))).toEqual(["foregone.yml"]);
  });

  test("a command that YAML would misread is quoted", async () => {
    const root = repository({});
    for (const run of ["true", "make: it", "x # y", "a 'b' \"c\"", "- x", "run {a}"]) {
      const done = await init(root, "--run", run);
      const text = done.stdout.slice(done.stdout.indexOf("\n") + 1, done.stdout.indexOf("# .github/cache-config.yml"));
      expect((parse(text) as Workflow).jobs.test.steps.at(-1)?.with?.["run"]).toBe(run);
    }
  });

  test("says what it needs where it knows nothing", async () => {
    expect(await init(repository({}))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("foregone init --run 'make check'"),
    });
    expect(await init(temporaryFolder())).toMatchObject({ code: 1, stderr: expect.stringContaining("hint: git init") });
    const bad = await runCli(["init", "--run", "x", "--action", "not an action"], { cwd: repository({}), env: ENV });
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining("--action wants OWNER/REPO@REF")]);
  });
});

function tab(line: string): readonly string[] {
  const words = line.split(" ");
  const script = `${completions("bash", commands)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _foregone; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8", cwd: "/" }).trim().split("\n");
}

describe("completions", () => {
  test("bash completes commands, subcommands, options, and the user's own command line", () => {
    expect(tab("foregone ag")).toEqual(["agent"]);
    expect([...tab("foregone agent st")].sort()).toEqual(["start", "status", "stop"]);
    expect(tab("foregone agent logs --f")).toEqual(["--follow"]);
    expect(tab("foregone run --mo")).toEqual(["--mode"]);
    expect(tab("foregone run -- bas")).toContain("bash");
    expect(tab("foregone run bas")).toContain("bash");
    expect(tab("foregone config show --or")).toEqual(["--origin"]);
  });

  test.each(["bash", "zsh", "fish"] as const)(
    "%s has every command and every option, and no line breaks it",
    (shell) => {
      const text = completions(shell, commands);
      for (const command of commands) {
        expect(text).toContain(command.name);
        for (const option of command.options) expect(text).toContain(option.name);
      }
    },
  );

  test.for([
    ["bash", ["-n"]],
    ["zsh", ["-n"]],
    ["fish", ["--no-execute"]],
  ] as const)("%s reads its completions without an error", ([shell, flags], context) => {
    const file = join(temporaryFolder(), "completions");
    writeFileSync(file, completions(shell, commands));
    const { error, status, stderr } = spawnSync(shell, [...flags, file], { encoding: "utf8" });
    if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
      context.skip(`no ${shell} here: apt-get install ${shell}`);
    expect([status, stderr]).toEqual([0, ""]);
  });

  test("an unknown shell is told which there are", async () => {
    const done = await runCli(["completions", "csh"], { cwd: "/", env: ENV });
    expect([done.code, done.stderr]).toEqual([2, expect.stringContaining("foregone completions bash | zsh | fish")]);
  });
});

test("the manual page has every command, and roff reads it without a warning", (context) => {
  const page = manPage(commands, "1.2.3");
  for (const { name } of commands) expect(page).toContain(`.SS foregone ${name.replaceAll("-", "\\-")}`);
  expect(page).not.toMatch(/^[.'](?!TH|SH|SS|TP|PP|B|I|nf|fi|RS|RE)/m);
  const { error, stderr } = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z"], { input: page, encoding: "utf8" });
  if (error !== undefined) context.skip("no groff here: apt-get install groff");
  expect(stderr).toBe("");
});
