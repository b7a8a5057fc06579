// The founding cases: the founding skipper skipped each of D1 to D15, wrongly; ours must run, and say this. C1 to C5 are controls
// that must be skipped. D2 to D4, D14 and D15 are about jobs and run with the action's tests too.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import type { Sandbox } from "../../src/testing/sandbox.ts";
import { corpus } from "./corpus.ts";

const reads = "cat lib/a.js && ls docs && test ! -e lib/none.js";
const base = (box: Sandbox): void => {
  box.write("lib/a.js", "a");
  box.write("lib/b.js", "b");
  box.write("docs/x.md", "x");
  box.write("README.md", "r");
};

corpus("founding cases", [
  {
    name: "D1 a read file, renamed",
    setUp: base,
    command: reads,
    change: (b) => (fs.renameSync(b.path("lib/a.js"), b.path("lib/z.js")), b.commit()),
    expect: "changed file lib/a.js",
  },
  {
    name: "D5 the previous commit is no ancestor",
    setUp: base,
    command: reads,
    change: (b) => (b.git("checkout", "--quiet", "--orphan", "other"), b.write("lib/a.js", "other"), b.commit()),
    expect: "changed file lib/a.js",
  },
  {
    name: "D6 over 300 changed files, the read one last",
    setUp: base,
    command: reads,
    change: (b) => {
      for (let i = 0; i < 320; i++) b.write(`gen/${i}`, String(i));
      b.write("lib/a.js", "A");
      b.commit();
    },
    expect: "changed file lib/a.js",
  },
  {
    name: "D7 read in the first millisecond",
    setUp: base,
    command: ["cat", "lib/a.js"],
    change: (b) => b.write("lib/a.js", "A"),
    expect: "changed file lib/a.js",
  },
  {
    name: "D8 20,000 opens, one of them read and changed",
    setUp: (b) => {
      for (let i = 0; i < 2000; i++) b.write(`many/${i}`, String(i));
    },
    command: "for i in 1 2 3 4 5 6 7 8 9 10; do cat many/* > /dev/null; done",
    change: (b) => b.write("many/1777", "changed"),
    expect: "changed file many/1777",
  },
  {
    name: "D9 a link that was read through, retargeted",
    setUp: (b) => (base(b), fs.symlinkSync("a.js", b.path("lib/link"))),
    command: "cat lib/link",
    change: (b) => (fs.rmSync(b.path("lib/link")), fs.symlinkSync("b.js", b.path("lib/link"))),
    expect: "changed symlink lib/link",
  },
  {
    name: "D10 a looked-at file, deleted",
    setUp: base,
    command: "test -e lib/b.js",
    change: (b) => fs.rmSync(b.path("lib/b.js")),
    expect: "changed",
  },
  {
    name: "D10 a globbed folder, a file moved in",
    setUp: base,
    command: "echo docs/*",
    change: (b) => b.write("docs/y.md", "y"),
    expect: "changed directory docs",
  },
  {
    name: "D10 a file that was looked for, added",
    setUp: base,
    command: reads,
    change: (b) => b.write("lib/none.js", ""),
    expect: "changed absent lib/none.js",
  },
  {
    name: "D11 a submodule bump",
    setUp: (b) => {
      const origin = `${b.folder}/origin`;
      const git = (...args: string[]) =>
        execFileSync("git", ["-C", origin, "-c", "user.name=t", "-c", "user.email=t@example.invalid", ...args]);
      fs.mkdirSync(origin);
      git("init", "--quiet");
      fs.writeFileSync(`${origin}/x`, "1");
      git("add", ".");
      git("commit", "--quiet", "-m", "1");
      b.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", origin, "sub");
      fs.writeFileSync(`${origin}/x`, "2");
      git("commit", "--quiet", "-a", "-m", "2");
    },
    command: "cat sub/x",
    change: (b) => (b.git("-C", "sub", "-c", "protocol.file.allow=always", "pull", "--quiet"), b.commit("bump")),
    expect: "changed file sub/x",
  },
  {
    name: "D12 a variable",
    setUp: base,
    command: reads,
    change: (b) => {
      b.env["MODE"] = "x";
    },
    expect: "no-record",
  },
  {
    name: "D12 the image",
    setUp: base,
    command: reads,
    change: (b) => {
      b.env["ImageOS"] = "ubuntu24";
    },
    expect: "no-record",
  },
  {
    name: "D13 outside the workspace",
    setUp: (b) => fs.writeFileSync(`${b.folder}/outside`, "1"),
    command: "cat ../outside",
    change: (b) => fs.writeFileSync(`${b.folder}/outside`, "2"),
    expect: "changed file /",
  },
  {
    name: "D13 .git read by another program than git",
    setUp: base,
    command: "cat .git/HEAD",
    change: (b) => (b.git("checkout", "--quiet", "-b", "other"), b.commit("x")),
    expect: "changed git",
  },
  {
    name: "C1 an unread README, edited",
    setUp: base,
    command: reads,
    change: (b) => b.write("README.md", "longer"),
    expect: "skip",
  },
  {
    name: "C2 a new file nobody looked for",
    setUp: base,
    command: reads,
    change: (b) => b.write("other/new", "n"),
    expect: "skip",
  },
  {
    name: "C3 the same tree in another commit and branch",
    setUp: base,
    command: reads,
    change: (b) => (b.git("checkout", "--quiet", "-b", "pr"), b.commit("squash")),
    expect: "skip",
  },
  {
    name: "C5 a revert",
    setUp: base,
    command: reads,
    change: (b) => (b.write("lib/a.js", "A"), b.commit(), b.write("lib/a.js", "a"), b.commit("revert")),
    expect: "skip",
  },
]);
