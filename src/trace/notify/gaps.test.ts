import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../testing/compile.ts";
import { losses, see, type Seen } from "../../testing/observer.contract.ts";
import { ObserveProgram } from "../../testing/observe.ts";
import type { Observer } from "../observer.ts";

// What this back end cannot follow must be told, kind by kind: a counter of the seal, or an event that makes a gap.
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
let program: ObserveProgram;
let unseen: string | { readonly unavailable: string };
let folder: string;
let sibling: ChildProcess;
let servers: Server[];
let port: number;
beforeAll(async () => {
  program = await ObserveProgram.build();
  unseen = compile("test/fixtures/unseen.c");
  folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-unseen-")));
  mkdirSync(join(folder, "dir"));
  chmodSync(folder, 0o755);
  sibling = spawn("sleep", ["600"], { stdio: "ignore", ...(isRoot && { uid: NOBODY, gid: NOBODY }) });
  servers = [createServer(), createServer()];
  const [local, tcp] = servers as [Server, Server];
  await new Promise<void>((resolve) => local.listen(join(folder, "socket"), resolve));
  chmodSync(join(folder, "socket"), 0o777);
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  port = (tcp.address() as { port: number }).port;
  return () => {
    sibling.kill("SIGKILL");
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
    program[Symbol.dispose]();
  };
});

/** Everything in a run that keeps it from licensing a skip, in words. */
function admitted(seen: Seen): string[] {
  const ports = new Set(seen.events.flatMap((e) => (e.type === "bind" ? [portOf(e.address)] : [])));
  const events = seen.events.flatMap((e): string[] => {
    if (e.type === "forbidden") return [e.call];
    if (e.type === "receive" && e.absolute === undefined && e.object === undefined) return ["descriptor"];
    if (e.type !== "connect" || e.peerPid !== 0 || e.outcome !== undefined) return [];
    if (e.address[0] === 1) return ["unknown peer"];
    return e.address[4] === 127 && !ports.has(portOf(e.address)) ? ["unknown port"] : [];
  });
  return [...new Set([...Object.keys(losses(seen.seal)), ...events])].sort();
}
const portOf = (address: Uint8Array): number => ((address[2] ?? 0) << 8) | (address[3] ?? 0);

describe.for([
  ["root", 0],
  ["nobody", NOBODY],
] as const)("as %s", ([name, uid]) => {
  const observer = (): Observer => program.observer(isRoot ? { uid } : {});
  const cases: [what: string, argument: () => string, told: string[]][] = [
    ["nothing", () => folder, []],
    ["unknown call", () => folder, ["syscall 1000", "unknown"]],
    ["x32 call", () => folder, ["syscall 1073741828", "unknown"]],
    ["ptrace of a sibling", () => String(sibling.pid), ["ptrace"]],
    ["memory of a sibling", () => String(sibling.pid), ["process_vm_readv"]],
    ["descriptor of a sibling", () => String(sibling.pid), ["descriptor"]],
    ["open by handle", () => folder, ["descriptor"]],
    ["shared memory by key", () => folder, ["shmget"]],
    ["packet socket", () => folder, ["socket"]],
    ["raw socket", () => folder, ["socket"]],
    ["user namespace", () => folder, ["namespace"]],
    ["mount namespace by clone", () => folder, ["namespace"]],
    // Nobody may not: it fails, and nothing is elsewhere.
    ["chroot", () => join(folder, "dir"), uid === 0 ? ["namespace"] : []],
    ["resolve in root", () => folder, ["openat2 RESOLVE_IN_ROOT"]],
    ["socket of a sibling", () => join(folder, "socket"), ["unknown peer"]],
    ["port of a sibling", () => String(port), ["unknown port"]],
    ["directory notification", () => folder, ["fcntl"]],
    ...(uid === 0 ? [] : ([["unreadable memory", () => folder, ["fault"]]] as [string, () => string, string[]][])),
  ];
  test.for(cases)("%s", async ([what, argument, told], context) => {
    if (typeof unseen !== "string") return context.skip(unseen.unavailable);
    if (!isRoot && name === "root") return context.skip("needs root");
    const seen = await see(observer(), [unseen, what, argument()], { cwd: folder });
    expect(seen.exit, seen.stderr).toEqual({ kind: "exited", code: 0 });
    expect(admitted(seen), seen.stdout).toEqual(told);
  });

  test("io_uring does not exist, so that nothing can hide in it", async (context) => {
    if (typeof unseen !== "string") return context.skip(unseen.unavailable);
    if (!isRoot && name === "root") return context.skip("needs root");
    const seen = await see(observer(), [unseen, "io_uring", folder]);
    expect(seen.stdout).toBe("io_uring: -1 Function not implemented\n");
    expect(admitted(seen)).toEqual([]);
  });
});

describe("setuid programs", () => {
  const setuid = (): string => {
    const file = join(mkdtempSync(join(folder, "setuid-")), "id");
    copyFileSync("/usr/bin/id", file);
    chmodSync(dirname(file), 0o755);
    chmodSync(file, 0o4755);
    return file;
  };
  test("gain nothing under an observer without rights, which voids the trace and says why", async (context) => {
    if (!isRoot) return context.skip("needs root to make a setuid program");
    const file = setuid();
    const notices: string[] = [];
    const seen = await see(program.observer({ uid: NOBODY }), [file, "-u"], { onNotice: (text) => notices.push(text) });
    expect(seen.stdout).toBe("65534\n");
    expect(admitted(seen)).toEqual(["setuid"]);
    expect(notices).toEqual([`${file} needs more rights than it can get while it is observed`]);
  });
  test("work as always under root's", async (context) => {
    if (!isRoot) return context.skip("needs root");
    const command = ["setpriv", "--reuid", "65534", "--clear-groups", setuid(), "-u"];
    const seen = await see(program.observer(), command);
    expect(seen.stdout).toBe("0\n");
    expect(admitted(seen)).toEqual([]);
  });
});

describe("peers inside the run are no gap", () => {
  const script = (listen: string): string => `
    const net = require("node:net");
    const server = net.createServer((s) => s.end("hi")).listen(${listen}, () => {
      const where = server.address();
      const client = net.connect(typeof where === "string" ? where : where.port);
      client.on("data", (d) => process.stdout.write(d)).on("close", () => server.close());
    });`;
  test.for([
    ["a port that the kernel chooses", `0, "127.0.0.1"`],
    ["a socket by absolute path", `process.argv[1] + "/own"`],
    ["a socket by relative path", `"own2"`],
    ["an abstract socket", `"\\0foregone-test-" + process.pid`],
  ] as const)("%s", async ([, listen]) => {
    const at = mkdtempSync(join(folder, "peers-"));
    const seen = await see(program.observer(), [process.execPath, "-e", script(listen), at], { cwd: at });
    expect(seen.stdout, seen.stderr).toBe("hi");
    expect(admitted(seen)).toEqual([]);
  });
  test("UDP, answered to the port that the client got", async () => {
    const udp = `
      const dgram = require("node:dgram");
      const server = dgram.createSocket("udp4").on("message", (m, from) => server.send("back", from.port, from.address));
      server.bind(0, "127.0.0.1", () => {
        const client = dgram.createSocket("udp4").on("message", (m) => { process.stdout.write(m); client.close(); server.close(); });
        client.send("hi", server.address().port, "127.0.0.1");
      });`;
    const seen = await see(program.observer(), [process.execPath, "-e", udp]);
    expect(seen.stdout, seen.stderr).toBe("back");
    expect(admitted(seen)).toEqual([]);
  });
  test("a worker that passes messages to its parent", async () => {
    const fork = `
      const { fork } = require("node:child_process");
      if (process.send) process.send("hi"); else fork(process.argv[1]).on("message", (m) => process.stdout.write(m));`;
    writeFileSync(join(folder, "fork.cjs"), fork);
    const seen = await see(program.observer(), [process.execPath, join(folder, "fork.cjs")]);
    expect(seen.stdout, seen.stderr).toBe("hi");
    expect(admitted(seen)).toEqual([]);
  });
});
