// The founding cases in job mode, through the committed action: recorded, changed, decided again. Each was skipped by the founding
// skipper; ours must run, and say why. C1 to C5 must be skipped.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { NO_NODE24, node24 } from "../../src/testing/node24.ts";
import { type JobOptions, WorkflowRunner } from "../../src/testing/workflow-runner.ts";

// Each starts several jobs with a tracer of their own; a loaded machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

beforeEach((context) => {
  if (node24() === undefined) context.skip(NO_NODE24);
  if (process.getuid?.() !== 0 || !existsSync("/sys/kernel/btf/vmlinux"))
    context.skip("needs root and BTF: a job's tracer");
});

const CI = ".github/workflows/ci.yml";
const READS = "cat lib/a.js && ls docs && test ! -e lib/none.js";

interface Case {
  readonly name: string;
  readonly run?: string;
  readonly setUp?: (lab: Lab) => void;
  readonly first?: JobOptions;
  readonly change: (lab: Lab) => unknown;
  readonly again?: JobOptions;
  /** Part of the log; "hit" for the controls. */
  readonly expect: string;
}

class Lab extends WorkflowRunner {
  workflow(run: string, name = "CI"): void {
    const step = (id: string): string =>
      `      - if: steps.foregone.outputs.skip != 'true'\n        run: ${run}\n        id: ${id}\n`;
    const job = (id: string): string =>
      `  ${id}:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: acme/foregone@v1\n        id: foregone\n        with: { audit: 0 }\n${step("work")}`;
    this.write(CI, `name: ${name}\non: [push]\npermissions: { contents: read }\njobs:\n${job("test")}${job("lint")}`);
  }

  path(name: string): string {
    return join(this.workspace, name);
  }
}

const CASES: readonly Case[] = [
  {
    name: "D1 a read file, renamed",
    change: (l) => renameSync(l.path("lib/a.js"), l.path("lib/z.js")),
    expect: "lib/a.js is gone",
  },
  {
    name: "D2 two jobs, one key",
    change: () => undefined,
    again: { job: "lint" },
    expect: "no record of this command",
  },
  {
    name: "D2 two legs, one key",
    first: { matrix: { n: 1 } },
    change: () => undefined,
    again: { matrix: { n: 2 } },
    expect: "no record of this command",
  },
  {
    name: "D3 CI finds CI-nightly by prefix",
    change: (l) => (
      l.write(".github/workflows/ci-nightly.yml", "x"),
      renameSync(l.path(CI), l.path(".github/workflows/ci-nightly.yml"))
    ),
    again: { workflow: ".github/workflows/ci-nightly.yml" },
    expect: "no record of this command",
  },
  { name: "D4 the job edited", change: (l) => l.workflow(`${READS} && true`), expect: "setting definition differs" },
  {
    name: "D5 the previous commit is no ancestor",
    change: (l) => (l.git("checkout", "-q", "--orphan", "other"), l.write("lib/a.js", "other")),
    expect: "lib/a.js changed",
  },
  {
    name: "D6 over 300 changed files, the read one last",
    change: (l) => {
      for (let i = 0; i < 320; i++) l.write(`gen/${i}`, String(i));
      l.write("lib/a.js", "A");
    },
    expect: "lib/a.js changed",
  },
  {
    name: "D7 read in the first millisecond",
    run: '"< lib/a.js"',
    change: (l) => l.write("lib/a.js", "A"),
    expect: "lib/a.js changed",
  },
  {
    name: "D8 20,000 opens, one of them read and changed",
    run: "for i in 1 2 3 4 5 6 7 8 9 10; do cat many/* > /dev/null; done",
    setUp: (l) => {
      for (let i = 0; i < 2000; i++) l.write(`many/${i}`, String(i));
    },
    change: (l) => l.write("many/1777", "changed"),
    expect: "many/1777 changed",
  },
  {
    name: "D9 a link that was read through, retargeted",
    run: "cat lib/link",
    setUp: (l) => symlinkSync("a.js", l.path("lib/link")),
    change: (l) => (rmSync(l.path("lib/link")), symlinkSync("b.js", l.path("lib/link"))),
    expect: "lib/link changed",
  },
  {
    name: "D10 a looked-at file, deleted",
    run: "test -e lib/b.js",
    change: (l) => rmSync(l.path("lib/b.js")),
    expect: "lib/b.js is gone",
  },
  {
    name: "D10 a globbed folder, a file moved in",
    run: "echo docs/*",
    change: (l) => l.write("docs/y.md", "y"),
    expect: "docs/ has other entries",
  },
  {
    name: "D10 a file that was looked for, added",
    run: `${READS} || true`,
    change: (l) => l.write("lib/none.js", ""),
    expect: "lib/none.js appeared",
  },
  {
    name: "D11 a submodule bump",
    run: "cat sub/x",
    setUp: (l) => {
      const origin = join(l.base, "origin");
      const git = (...args: string[]) =>
        execFileSync("git", ["-C", origin, "-c", "user.name=t", "-c", "user.email=t@example.invalid", ...args]);
      mkdirSync(origin);
      git("init", "-q");
      writeFileSync(join(origin, "x"), "1");
      git("add", ".");
      git("commit", "-q", "-m", "1");
      l.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", origin, "sub");
      writeFileSync(join(origin, "x"), "2");
      git("commit", "-q", "-a", "-m", "2");
    },
    change: (l) => l.git("-C", "sub", "-c", "protocol.file.allow=always", "pull", "-q"),
    expect: "sub/x changed",
  },
  { name: "D12 a variable", change: (l) => (l.env["MODE"] = "x"), expect: "env MODE differs" },
  {
    name: "D12 the event, named by the job",
    run: 'echo "$GITHUB_REF"',
    change: () => undefined,
    again: { ref: "refs/heads/other" },
    expect: "GITHUB_REF changed",
  },
  { name: "D12 the image", change: (l) => (l.env["ImageOS"] = "ubuntu26"), expect: "no record of this command" },
  {
    name: "D13 outside the workspace",
    run: 'cat "$HOME/outside"',
    setUp: (l) => writeFileSync(join(l.base, "home/outside"), "1"),
    change: (l) => writeFileSync(join(l.base, "home/outside"), "2"),
    expect: "$HOME/outside changed",
  },
  {
    name: "D13 .git read by another program than git",
    run: "cat .git/HEAD",
    change: (l) => l.git("checkout", "-q", "-b", "other"),
    expect: "git ",
  },
  {
    name: "D14 a re-run of the same commit",
    change: () => undefined,
    again: { attempt: 2 },
    expect: "requested by re-run",
  },
  {
    name: "D15 continue-on-error",
    run: "exit 3\n        continue-on-error: true",
    change: () => undefined,
    expect: "step-tolerated",
  },
  { name: "C1 an unread README, edited", change: (l) => l.write("README.md", "longer"), expect: "hit" },
  { name: "C2 a new file nobody looked for", change: (l) => l.write("other/new", "n"), expect: "hit" },
  {
    name: "C3 the same tree in another commit",
    change: (l) => l.git("commit", "-q", "--allow-empty", "-m", "squash"),
    expect: "hit",
  },
  {
    name: "C5 a revert",
    change: (l) => (l.write("lib/a.js", "A"), l.commit(), l.write("lib/a.js", "a")),
    expect: "hit",
  },
];

test.each(CASES)("$name", async (item) => {
  const lab = new Lab();
  lab.workflow(item.run ?? READS);
  for (const [path, text] of Object.entries({ "lib/a.js": "a", "lib/b.js": "b", "docs/x.md": "x", "README.md": "r" }))
    lab.write(path, text);
  item.setUp?.(lab);
  lab.commit();
  const first = await lab.job(item.first ?? {});
  expect(first.status, first.log).toBe("success");
  expect(first.post, first.post).toMatch(/recorded/);
  item.change(lab);
  lab.commit();
  lab.git("clean", "-fdq");
  const job = await lab.job(item.again ?? item.first ?? {});
  const skipped = job.steps["foregone"]?.outputs["skip"];
  expect([skipped, job.log], first.post).toEqual([String(item.expect === "hit"), expect.stringContaining(item.expect)]);
});
