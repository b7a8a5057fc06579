// The contract of both back ends with what reads them: each unusual way to an input (test/fixtures/corners.c) ends as the
// observation of that input, or as a gap that forbids reuse. Kind by kind, since a way that nobody tried is a way to a false skip.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GapKind } from "../src/core/gap.ts";
import { nodeFiles } from "../src/node/ports.ts";
import { compile } from "../src/testing/compile.ts";
import { see } from "../src/testing/observer.contract.ts";
import { observerOrReason } from "../src/testing/traced.ts";
import type { LookKind } from "../src/trace/interpret/interpreted.ts";
import { makeInterpreter } from "../src/trace/interpret/interpreter.ts";

/** A look, by kind and path in the folder (absolute paths as they are); or the kind of a gap. */
type Seen = readonly [LookKind, string] | GapKind;

interface Corner {
  /** What the fixture calls it. */
  readonly name: string;
  readonly seen: Seen;
  /** Where `notify` has another answer; `none`: it refuses the call, and the program is told so. */
  readonly notify?: Seen | "none";
  /** Argument 2 of the fixture. */
  readonly other?: () => string;
}

const IN = ["file", "in"] as const;
const IN_D = ["file", "d/e"] as const;

const CORNERS = resolve("test/fixtures/corners.c");
let folder: string;
let sibling: ChildProcess | undefined;
let server: Server;
const pid = (): string => String(sibling?.pid);
const SHARED = `/dev/shm/foregone-test-${process.pid}`;
const ABSTRACT = `foregone-test-${process.pid}`;

const corners: readonly Corner[] = [
  { name: "openat2 RESOLVE_BENEATH", seen: IN },
  { name: "openat2 RESOLVE_NO_XDEV", seen: IN },
  { name: "openat2 RESOLVE_NO_MAGICLINKS", seen: IN },
  { name: "openat2 RESOLVE_NO_SYMLINKS", seen: ["symlink", "link"] },
  { name: "openat2 RESOLVE_IN_ROOT", seen: "unresolved-path" },
  { name: "handle", seen: IN, notify: "unresolved-path" },
  { name: "handle of a descriptor", seen: IN },
  { name: "inotify", seen: ["directory", "d"] },
  { name: "fanotify", seen: "untraced-process" },
  { name: "mount namespace", seen: IN_D, notify: "events-lost" },
  { name: "overlay", seen: "unresolved-path", notify: "events-lost" },
  // Its own files, so no input; but which file system they were on is known only while its namespace lives: stricter than needed.
  { name: "own tmpfs", seen: "unresolved-path", notify: "events-lost" },
  { name: "detached mount", seen: IN_D, notify: "events-lost" },
  { name: "detached tmpfs", seen: "unresolved-path", notify: "events-lost" },
  { name: "mount namespace of another", seen: IN, notify: "events-lost", other: pid },
  { name: "chroot", seen: IN_D, notify: "events-lost" },
  { name: "memfd exec", seen: ["file", "tool"] },
  { name: "sendfile", seen: IN },
  { name: "copy_file_range", seen: IN },
  { name: "splice", seen: IN },
  { name: "O_PATH, reopened", seen: IN },
  { name: "O_PATH, then fstat", seen: IN },
  { name: "O_PATH, then statx", seen: IN },
  { name: "O_PATH of a link", seen: ["symlink", "link"] },
  { name: "O_PATH of a folder", seen: IN_D },
  { name: "listed after it moved", seen: ["directory", "d"] },
  { name: "io_uring", seen: IN, notify: "none" },
  { name: "userfaultfd", seen: IN },
  { name: "ptrace", seen: "untraced-process", other: pid },
  { name: "abstract socket", seen: "untraced-process", other: () => ABSTRACT },
  { name: "datagram socket", seen: "untraced-process", other: () => join(folder, "datagrams") },
  { name: "32-bit call", seen: IN },
  { name: "file by absolute path", seen: ["file", SHARED], other: () => SHARED },
  { name: "descriptor of another", seen: ["file", "kept"], other: pid },
  { name: "working directory of another", seen: IN, other: pid },
  { name: "own working directory", seen: IN },
  { name: "hard link", seen: IN },
  { name: "renamed", seen: IN },
  { name: "exchanged", seen: IN_D },
  { name: "mapped after close", seen: IN },
  { name: "chdir by another thread", seen: IN_D },
  { name: "chdir by a process that shares it", seen: IN_D },
  { name: "script by descriptor", seen: ["file", "script"] },
  { name: "script of a script", seen: ["file", "script"] },
  { name: "slash behind a file", seen: ["probe", "in"] },
  { name: "dot dot behind a link", seen: IN_D },
  { name: "unlinked, then reopened", seen: IN },
  { name: "made without a name", seen: ["absent", "new"] },
];

beforeAll(async () => {
  folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "foregone-corners-")));
  fill();
  fs.writeFileSync(SHARED, "x");
  fs.writeFileSync(join(folder, "kept"), "x");
  const stdin = fs.openSync(join(folder, "kept"), "r");
  const corner = compile(CORNERS);
  if (typeof corner === "string") {
    sibling = spawn(corner, ["outside", join(folder, "datagrams")], { cwd: folder, stdio: [stdin, "pipe", "inherit"] });
    await once(sibling.stdout!, "data");
  }
  fs.closeSync(stdin);
  server = createServer();
  await new Promise<void>((done) => server.listen(`\0${ABSTRACT}`, done));
});
afterAll(() => {
  sibling?.kill("SIGKILL");
  server.close();
  fs.rmSync(SHARED, { force: true });
  fs.rmSync(folder, { recursive: true, force: true });
});

/** In place: the folder and `in` stay the same for those who have them open. */
function fill(): void {
  const at = (name: string): string => join(folder, name);
  for (const name of ["new", "out", "moved"]) fs.rmSync(at(name), { recursive: true, force: true });
  for (const name of ["d/deep", "lower", "m"]) fs.mkdirSync(at(name), { recursive: true });
  for (const name of ["in", "d/e"]) if (!fs.existsSync(at(name))) fs.writeFileSync(at(name), name);
  for (const [name, target] of [
    ["link", "in"],
    ["far", "d/deep"],
  ] as const)
    if (!fs.existsSync(at(name))) fs.symlinkSync(target, at(name));
  if (!fs.existsSync(at("tool"))) fs.copyFileSync("/bin/true", at("tool"));
  fs.writeFileSync(at("script"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  fs.writeFileSync(at("nested"), "#!./script\n", { mode: 0o755 });
}

describe.each(["ebpf", "notify"] as const)("on %s", (backend) => {
  test.for(corners)("$name", async ({ name, seen, notify, other }, context) => {
    const corner = compile(CORNERS);
    if (typeof corner !== "string") return context.skip(corner.unavailable);
    const observer = await observerOrReason(backend);
    if (typeof observer === "string") return context.skip(observer);
    fill();
    const interpreter = makeInterpreter({
      files: nodeFiles,
      mountinfo: fs.readFileSync("/proc/self/mountinfo", "latin1"),
      mountNs: fs.statSync("/proc/self/ns/mnt").ino,
      startNs: BigInt(Date.now()) * 1_000_000n,
      tempRoots: [],
    });
    const run = await see(observer, [corner, name, other?.() ?? "-"], {
      cwd: folder,
      onEvent: (event) => interpreter.onEvent(event),
    });
    const { looks, gaps } = interpreter.finish(run.seal);
    expect(run.exit, run.stderr).toEqual({ kind: "exited", code: 0 });
    const expected = backend === "notify" ? (notify ?? seen) : seen;
    if (expected === "none") return expect(run.stdout).toBe("-1 Function not implemented\n");
    const refused = /^-1 (Operation not permitted|Permission denied|Function not implemented)/.exec(run.stdout)?.[1];
    if (refused !== undefined) return context.skip(`${name}: ${refused}`);
    const found = looks.map(({ kind, path }) => `${kind} ${path.replace(`${folder}/`, "")}`);
    if (typeof expected === "string")
      expect(
        gaps.map(({ kind }) => kind),
        `${run.stdout}\n${found.join("\n")}`,
      ).toContain(expected);
    else expect(found, run.stdout + JSON.stringify(gaps)).toContain(expected.join(" "));
  });
});
