// The hard-cases kit of docs/soundness.md: programs that tracers and skippers get wrong.
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { corpus } from "./corpus.ts";
import type { Sandbox } from "../../src/testing/sandbox.ts";

const C_READER = `#include <stdio.h>
int main(void) { FILE *f = fopen("in", "r"); int c; if (!f) return 1; while ((c = fgetc(f)) != EOF) putchar(c); return 0; }`;

function build(box: Sandbox, compiler: string, ...flags: string[]): void {
  box.write("main.c", C_READER);
  box.write("in", "1");
  box.write("unread", "1");
  execFileSync(compiler, [...flags, "-o", box.path("reader"), box.path("main.c")]);
}
const has =
  (program: string, ...args: string[]) =>
  (): string | undefined =>
    spawnSync(program, args.length > 0 ? args : ["--version"]).error === undefined ? undefined : `no ${program}`;
const editIn = (box: Sandbox): void => box.write("in", "2");
const editUnread = (box: Sandbox): void => box.write("unread", "22");

corpus("hard cases", [
  {
    name: "a static binary: read file changed",
    setUp: (b) => build(b, "gcc", "-static"),
    command: ["./reader"],
    change: editIn,
    expect: "changed file in",
    needs: has("gcc"),
  },
  {
    name: "a static binary: unread file changed",
    setUp: (b) => build(b, "gcc", "-static"),
    command: ["./reader"],
    change: editUnread,
    expect: "skip",
    needs: has("gcc"),
  },
  {
    name: "a musl binary: read file changed",
    setUp: (b) => build(b, "musl-gcc", "-static"),
    command: ["./reader"],
    change: editIn,
    expect: "changed file in",
    needs: has("musl-gcc"),
  },
  {
    name: "a program executed, then changed",
    setUp: (b) => build(b, "gcc"),
    command: ["./reader"],
    change: (b) => b.write("reader", "#!/bin/sh\n", 0o755),
    expect: "changed file reader",
    needs: has("gcc"),
  },
  {
    name: "a Go binary: read file changed",
    setUp: (b) => {
      b.write("in", "1");
      b.write("go.mod", "module m\n\ngo 1.20\n");
      b.write(
        "main.go",
        'package main\n\nimport "os"\n\nfunc main() { x, _ := os.ReadFile("in"); os.Stdout.Write(x) }\n',
      );
      execFileSync("go", ["build", "-o", "reader", "."], { cwd: b.workspace });
    },
    command: ["./reader"],
    change: editIn,
    expect: "changed file in",
    needs: has("go", "version"),
  },
  {
    name: "a process left behind",
    setUp: (b) => b.write("in", "1"),
    command: "cat in; (sleep 3 >/dev/null 2>&1 &)",
    change: () => undefined,
    expect: "gap untraced-process",
  },
  {
    name: "git describe: the next commit",
    setUp: (b) => b.write("in", "1"),
    command: "git log -1 --format=%H",
    change: (b) => b.commit("next"),
    expect: "changed git head",
  },
  {
    name: "git log with git.head ignored",
    setUp: (b) => b.write("in", "1"),
    command: "git log -1 --format=%H; cat in",
    options: { ignore: ["git.head"] },
    change: (b) => b.commit("next"),
    expect: "skip",
  },
  {
    name: "git diff --exit-code: an unread edit, committed",
    setUp: (b) => (b.write("in", "1"), b.write("unread", "1")),
    command: "git diff --exit-code && cat in",
    change: (b) => (editUnread(b), b.commit()),
    expect: "skip",
  },
  {
    name: "git diff --exit-code: an edit that is not committed",
    setUp: (b) => b.write("in", "1"),
    command: "git diff --exit-code",
    change: editIn,
    expect: "changed git clean",
  },
  {
    name: "git diff after a tracked file was written anew: the committed content changed",
    setUp: (b) => b.write("baseline", "1\n"),
    command: "echo 1 > baseline; git diff --exit-code",
    change: (b) => (b.write("baseline", "2\n"), b.commit()),
    expect: "changed file baseline",
  },
  {
    name: "git diff after a tracked file was written anew: an unread edit, committed",
    setUp: (b) => (b.write("baseline", "1\n"), b.write("unread", "1")),
    command: "echo 1 > baseline; git diff --exit-code",
    change: (b) => (editUnread(b), b.commit()),
    expect: "skip",
  },
  {
    name: "git status after a file was made: it is no longer ignored",
    setUp: (b) => b.write(".gitignore", "made\n"),
    command: 'echo 1 > made; test -z "$(git status --porcelain)"',
    change: (b) => (fs.rmSync(b.path("made"), { force: true }), b.write(".gitignore", "other\n"), b.commit()),
    expect: "changed file .gitignore",
  },
  {
    name: "git diff after a file was made: it is tracked now",
    setUp: (b) => b.write(".gitignore", "made\n"),
    command: "echo 1 > made; git diff --exit-code",
    change: (b) => (b.write("made", "2\n"), b.git("add", "-f", "made"), b.commit()),
    expect: "run",
  },
  {
    name: "git diff after a tracked file was removed: the committed content changed",
    setUp: (b) => b.write("baseline", "1\n"),
    command: "rm baseline; git diff | cat",
    change: (b) => (b.write("baseline", "2\n"), b.commit()),
    expect: "run",
  },
  {
    name: "git diff after a tracked file was written with other ends of line: the attributes changed",
    setUp: (b) => (b.write(".gitattributes", "* -text\n"), b.write("baseline", "1\n")),
    command: "printf '1\\r\\n' > baseline; git diff --stat | cat",
    change: (b) => (b.write(".gitattributes", "* text=auto\n"), b.write("baseline", "1\n"), b.commit()),
    expect: "changed file .gitattributes",
  },
  {
    name: "a formatter that writes the same bytes",
    setUp: (b) => b.write("in", "1"),
    command: 'x=$(cat in); printf %s "$x" > in',
    change: editUnread,
    expect: "skip",
  },
  {
    name: "a formatter that writes other bytes",
    setUp: (b) => b.write("in", "1"),
    command: 'x=$(cat in); printf %s "$x!" > in',
    change: (b) => (b.write("in", "1"), b.write("unread", "1")),
    expect: "run",
  },
  {
    name: "three hops of links, the middle one retargeted",
    setUp: (b) => {
      b.write("a/in", "1");
      b.write("b/in", "2");
      fs.symlinkSync("a", b.path("dir"));
      fs.symlinkSync("dir/in", b.path("two"));
      fs.symlinkSync("two", b.path("one"));
    },
    command: "cat one",
    change: (b) => (fs.rmSync(b.path("dir")), fs.symlinkSync("b", b.path("dir"))),
    expect: "changed symlink dir",
  },
  {
    name: "chmod +x of a read file",
    setUp: (b) => b.write("in", "1"),
    command: "cat in",
    change: (b) => fs.chmodSync(b.path("in"), 0o755),
    expect: "changed file in",
  },
  {
    name: "an eol flip",
    setUp: (b) => b.write("in", "1\n"),
    command: "cat in",
    change: (b) => b.write("in", "1\r\n"),
    expect: "changed file in",
  },
  {
    name: "a hard link to an input, written through the other name",
    setUp: (b) => (b.write("in", "1"), fs.linkSync(b.path("in"), b.path("other"))),
    command: "cat in",
    change: (b) => fs.writeFileSync(b.path("other"), "2"),
    expect: "changed file in",
  },
  {
    name: "a program added earlier on PATH",
    setUp: (b) => {
      b.write("bin2/tool", "#!/bin/sh\necho two\n", 0o755);
      fs.mkdirSync(b.path("bin1"));
      b.write("bin1/keep", "");
      b.env["PATH"] = `${b.path("bin1")}:${b.path("bin2")}:${b.env["PATH"]}`;
    },
    command: ["tool"],
    change: (b) => b.write("bin1/tool", "#!/bin/sh\necho one\n", 0o755),
    expect: "changed absent bin1/tool",
  },
  {
    name: "a script's interpreter line is part of it",
    setUp: (b) => b.write("run", "#!/bin/sh\ncat in\n", 0o755) ?? b.write("in", "1"),
    command: ["./run"],
    change: (b) => b.write("run", "#!/bin/bash\ncat in\n", 0o755),
    expect: "changed file run",
  },
  {
    name: "an output, then unread edits",
    setUp: (b) => (b.write("in", "1"), b.write("unread", "1")),
    command: "mkdir -p out && cat in > out/x && cat out/x",
    change: editUnread,
    expect: "skip",
  },
  {
    name: "a file written over whole, which becomes executable",
    setUp: (b) => b.write("out", "1"),
    command: "echo 9 > out",
    change: (b) => fs.chmodSync(b.path("out"), 0o755),
    expect: "changed probe out",
  },
  {
    name: "a file written over whole, which becomes a link",
    setUp: (b) => {
      b.write("out", "1");
      b.write("other", "1");
    },
    command: "echo 9 > out",
    change: (b) => {
      fs.rmSync(b.path("out"));
      fs.symlinkSync("other", b.path("out"));
    },
    expect: "changed probe out",
  },
  {
    name: "an untracked file written over whole, then again",
    git: false,
    setUp: (b) => b.write("out", "1"),
    command: "echo 9 > out",
    change: () => undefined,
    expect: "skip",
  },
  {
    name: "a rename into place, as editors and compilers write",
    setUp: (b) => b.write("in", "1"),
    command: "cat in > .tmp && mv .tmp result",
    change: editUnread,
    expect: "skip",
  },
  {
    name: "node: an import that was not there",
    setUp: (b) => b.write("m.cjs", "try { require('./maybe.cjs') } catch {}"),
    command: [process.execPath, "m.cjs"],
    change: (b) => b.write("maybe.cjs", ""),
    expect: "changed absent maybe.cjs",
  },
  {
    name: "node: unread file changed",
    setUp: (b) => b.write("m.cjs", "console.log(require('fs').readdirSync('d'))") ?? b.write("d/x", ""),
    command: [process.execPath, "m.cjs"],
    change: editUnread,
    expect: "skip",
  },
  {
    name: "python: a module that shadows the standard library",
    setUp: (b) => b.write("m.py", "import json\nprint(json.dumps(1))\n"),
    command: ["python3", "m.py"],
    change: (b) => b.write("json.py", "def dumps(x): return 'mine'\n"),
    expect: "run",
    needs: has("python3"),
  },
  {
    name: "python: unread file changed",
    setUp: (b) => (b.write("m.py", "import json\nprint(json.dumps(1))\n"), b.write("sub/x", "x")),
    command: ["python3", "-B", "m.py"],
    change: (b) => b.write("sub/x", "y"),
    expect: "skip",
    needs: has("python3"),
  },
  {
    name: "kernel settings and processor facts, read as files",
    setUp: (b) => b.write("in", "1"),
    command:
      "cat /proc/sys/vm/overcommit_memory /proc/cpuinfo /proc/meminfo > /dev/null; ls /sys/devices/system/cpu > /dev/null; cat in",
    change: editUnread,
    expect: "skip",
  },
  {
    name: "a file that could not be executed, and then can",
    setUp: (b) => b.write("tool", "", 0o755),
    command: [process.execPath, "-e", "require('child_process').spawnSync('./tool')"],
    change: (b) => b.write("tool", "#!/bin/sh\n", 0o755),
    expect: "changed file tool",
  },
  {
    name: "a script whose interpreter was missing, and then is there",
    setUp: (b) => b.write("tool", `#!${b.path("sh")}\n`, 0o755),
    command: [process.execPath, "-e", "require('child_process').spawnSync('./tool')"],
    change: (b) => fs.copyFileSync("/bin/sh", b.path("sh")),
    expect: "changed absent sh",
  },
  {
    name: "a pipeline",
    setUp: (b) => b.write("in", "b\na\n"),
    command: "cat in | sort | head -1",
    change: editIn,
    expect: "changed file in",
  },
  {
    name: "a background child that ends in time",
    setUp: (b) => b.write("in", "1"),
    command: "cat in & wait",
    change: editIn,
    expect: "changed file in",
  },
  {
    name: "a connection to a server that is not ours",
    setUp: (b) => b.write("in", "1"),
    command: [
      process.execPath,
      "-e",
      "require('net').connect(9, '192.0.2.1').on('error', () => process.exit(0)); setTimeout(() => process.exit(0), 50)",
    ],
    change: (b) => b.write("dirty", ""),
    expect: "gap untraced-network",
  },
  {
    name: "a server and a client of the command's own",
    setUp: (b) => b.write("in", "1"),
    command: [
      process.execPath,
      "-e",
      "const s=require('net').createServer(c=>c.end('x')).listen(0,'127.0.0.1',()=>require('net').connect(s.address().port,'127.0.0.1').on('data',()=>{}).on('close',()=>s.close()))",
    ],
    change: editUnread,
    expect: "skip",
  },
  {
    name: "outside git: read file changed",
    git: false,
    setUp: (b) => b.write("in", "1"),
    command: "cat in",
    change: editIn,
    expect: "changed file in",
  },
  {
    name: "outside git: unread file changed",
    git: false,
    setUp: (b) => b.write("in", "1"),
    command: "cat in",
    change: editUnread,
    expect: "skip",
  },
  {
    name: "a file in a temporary folder, gone since it was read",
    setUp: (b) => b.write("../temporary", "1"),
    command: "cat ../temporary",
    change: (b) => fs.rmSync(b.path("../temporary")),
    expect: "changed file /tmp/",
  },
  {
    name: "a file in a temporary folder that the command read and removed",
    setUp: (b) => b.write("../temporary", "1"),
    command: "cat ../temporary; rm ../temporary",
    change: (b) => b.write("../temporary", "2"),
    expect: "run",
  },
  {
    name: "a time-sensitive command",
    setUp: (b) => b.write("in", "1"),
    command: "cat in",
    options: { timeSensitive: true },
    change: () => undefined,
    expect: "audit",
  },
  {
    name: "a failing command",
    setUp: (b) => b.write("in", "1"),
    command: "cat in; exit 3",
    unrecorded: true,
    change: () => undefined,
    expect: "no-record",
  },
]);
