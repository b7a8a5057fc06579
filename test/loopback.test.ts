// Who is at the other end on this machine: the run itself, or somebody whose answers nobody can compare. By address, not by port alone,
// and not because a bind was tried: a server that was there before the run is a stranger's.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import fs from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeFiles } from "../src/node/ports.ts";
import { see } from "../src/testing/observer.contract.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";
import { observerOrReason } from "../src/testing/traced.ts";
import { makeInterpreter } from "../src/trace/interpret/interpreter.ts";

const TALK = `const talk = (port, host) => net.connect(port, host).on("data", () => {}).on("close", () => process.exit());`;
const UDP = `const udp = (port, host, s = dgram.createSocket("udp4")) => s.on("message", () => process.exit()).send("?", port, host);`;

const cases: readonly { readonly name: string; readonly script: string; readonly gap: boolean }[] = [
  {
    name: "a stranger's server, after the bind to its port has failed",
    script: `net.createServer().on("error", () => talk(PORT, "127.0.0.1")).listen(PORT, "127.0.0.1");`,
    gap: true,
  },
  {
    name: "a stranger's server, beside one of the run on the same port of another address",
    script: `net.createServer().listen(PORT, "127.0.0.2", () => talk(PORT, "127.0.0.1"));`,
    gap: true,
  },
  {
    name: "a stranger's datagram socket, after the bind to its port has failed",
    script: `dgram.createSocket("udp4").on("error", () => udp(UDP_PORT, "127.0.0.1")).bind(UDP_PORT, "127.0.0.1");`,
    gap: true,
  },
  {
    name: "the run's own server, on an address",
    script: `const s = net.createServer((c) => c.end("x")).listen(0, "127.0.0.1", () => talk(s.address().port, "127.0.0.1"));`,
    gap: false,
  },
  {
    name: "the run's own server, on all addresses",
    script: `const s = net.createServer((c) => c.end("x")).listen(0, () => talk(s.address().port, "127.0.0.1"));`,
    gap: false,
  },
  {
    name: "the run's own datagram socket",
    script: `const s = dgram.createSocket("udp4", (_, { port }) => s.send("x", port, "127.0.0.1")).bind(0, "127.0.0.1", () => udp(s.address().port, "127.0.0.1"));`,
    gap: false,
  },
];

describe.each(["ebpf", "notify"] as const)("on %s", (backend) => {
  test.for(cases)("$name", async ({ script, gap }, context) => {
    const observer = await observerOrReason(backend);
    if (typeof observer === "string") return context.skip(observer);
    const server = createServer((socket) => socket.end("x")).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const datagrams = createSocket("udp4", (_, { port }) => datagrams.send("x", port, "127.0.0.1"));
    onTestFinished(() => void datagrams.close());
    datagrams.bind(0, "127.0.0.1");
    await once(datagrams, "listening");
    const ports = [`const PORT = ${(server.address() as AddressInfo).port}, UDP_PORT = ${datagrams.address().port};`];
    const modules = `const net = require("node:net"), dgram = require("node:dgram");`;
    const interpreter = makeInterpreter({
      files: nodeFiles,
      mountinfo: fs.readFileSync("/proc/self/mountinfo", "latin1"),
      mountNs: fs.statSync("/proc/self/ns/mnt").ino,
      startNs: BigInt(Date.now()) * 1_000_000n,
      tempRoots: [],
    });
    const argv = [process.execPath, "-e", [modules, ...ports, TALK, UDP, script].join("\n")];
    const run = await see(observer, argv, { cwd: temporaryFolder(), onEvent: (event) => interpreter.onEvent(event) });
    expect(run.exit, run.stderr).toEqual({ kind: "exited", code: 0 });
    const { gaps } = interpreter.finish(run.seal);
    expect(gaps.filter(({ kind }) => kind === "untraced-process")).toHaveLength(gap ? 1 : 0);
  });
});
