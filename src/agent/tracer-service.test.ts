import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, type TestContext } from "vitest";
import { bundle, CLI } from "../testing/bundle.ts";
import { libcAsRoot } from "../testing/root-tracer.ts";
import { openAgentTracer } from "../trace/bpf/by-agent.ts";
import { tracerService, type TracerServiceOptions } from "./tracer-service.ts";

const NOBODY = 65_534;
let tracer: readonly string[];
let caller: string;
beforeAll(async () => {
  tracer = [process.execPath, await bundle(CLI), "tracer"];
  // A user's own process: asks for a tracer, runs `cat FILE` under it, says what was seen.
  caller = await bundle(`
    import { loadLibc } from "./src/trace/ffi.ts";
    import { openAgentTracer } from "./src/trace/bpf/by-agent.ts";
    import { ebpfObserver } from "./src/trace/bpf/observer.ts";
    const [socket, file, count] = process.argv.slice(2);
    const libc = await loadLibc();
    const said = [];
    try {
      const links = [];
      for (let i = 0; i < Number(count); i++) links.push(await openAgentTracer(libc, {}, socket));
      const events = [];
      const { exit, seal } = await ebpfObserver(libc, async () => links[0]).run({
        argv: ["cat", file], cwd: "/", env: { PATH: "/usr/bin:/bin" }, onOutput() {}, onEvent: (event) => events.push(event),
      });
      said.push({ exit, sealed: seal !== undefined, seen: JSON.stringify(events, (_, v) => (typeof v === "bigint" ? String(v) : v)).includes(file) });
    } catch (error) {
      said.push({ error: error.message });
    }
    process.stdout.write(JSON.stringify(said[0]), () => process.exit());
  `);
  chmodSync(dirname(caller), 0o755);
});

async function serve(context: TestContext, more: Partial<TracerServiceOptions> = {}): Promise<string> {
  await libcAsRoot(context);
  const folder = mkdtempSync(join(tmpdir(), "foregone-tracers-"));
  const socket = join(folder, "run", "tracer.sock");
  const service = tracerService({
    log: { write: () => undefined },
    tracer,
    maxRingBytes: 8 * 1024 * 1024,
    hardLimitMs: 60_000,
    socket,
    ...more,
  });
  chmodSync(folder, 0o755);
  await service.start();
  onTestFinished(async () => {
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return socket;
}

async function asNobody(socket: string, file: string, count = 1): Promise<unknown> {
  const child = spawn(process.execPath, [caller, socket, file, String(count)], {
    uid: NOBODY,
    gid: NOBODY,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  return JSON.parse(text) as unknown;
}

describe("an agent of root", () => {
  test("traces for a user who is not root, and only that user can come for it", async (context) => {
    const socket = await serve(context);
    const file = join(dirname(dirname(socket)), "input");
    writeFileSync(file, "hello");
    expect(await asNobody(socket, file)).toEqual({ exit: { kind: "exited", code: 0 }, sealed: true, seen: true });
    // Nothing is left: the tracer went with its caller.
    for (let i = 0; i < 500 && readdirSync(dirname(socket)).length > 1; i++)
      await new Promise((r) => setTimeout(r, 10));
    expect(readdirSync(dirname(socket))).toEqual(["tracer.sock"]);
  }, 60_000);

  test("listens where only root can write, and everybody may ask", async (context) => {
    const socket = await serve(context);
    const [folder, listening] = [lstatSync(dirname(socket)), lstatSync(socket)];
    expect([folder.uid, (folder.mode & 0o777).toString(8)]).toEqual([0, "755"]);
    expect([listening.uid, (listening.mode & 0o777).toString(8)]).toEqual([0, "666"]);
  });

  test("gives one user no more than eight tracers", async (context) => {
    const socket = await serve(context);
    expect(await asNobody(socket, "/etc/hostname", 9)).toEqual({
      error: expect.stringMatching(/^\d+ tracers run already$/),
    });
  }, 90_000);

  test("answers nonsense, floods and silence, and goes on", async (context) => {
    const socket = await serve(context);
    const say = async (text: string): Promise<string> => {
      const client = connect(socket);
      client.on("error", () => undefined);
      client.write(text);
      let said = "";
      for await (const chunk of client) said += String(chunk);
      return said;
    };
    expect(await say("rubbish\n")).toBe('{"refused":"no request"}\n');
    expect(await say(`"${"x".repeat(5000)}`)).toContain("refused");
    const silent = connect(socket);
    silent.on("error", () => undefined);
    await once(silent, "close");
    const libc = await libcAsRoot(context);
    const link = await openAgentTracer(libc, {}, socket);
    link.close();
  }, 60_000);

  test("refuses a folder that somebody else could write to", async (context) => {
    await libcAsRoot(context);
    const folder = mkdtempSync(join(tmpdir(), "foregone-tracers-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    chmodSync(folder, 0o777);
    const service = tracerService({
      log: { write: () => undefined },
      tracer,
      maxRingBytes: 2 ** 23,
      hardLimitMs: 1000,
      socket: join(folder, "tracer.sock"),
    });
    await expect(service.start()).rejects.toThrow(/not root's own folder/);
  });
});

test("a stranger who listens in the agent's place is not believed", async (context) => {
  const libc = await libcAsRoot(context);
  const folder = mkdtempSync(join(tmpdir(), "foregone-impostor-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o777);
  const socket = join(folder, "tracer.sock");
  const impostor = spawn(
    process.execPath,
    [
      "-e",
      `require("net").createServer((s) => s.end('{"ready":{},"socket":"/x"}\\n')).listen(${JSON.stringify(socket)}, () => console.log("up"))`,
    ],
    { uid: NOBODY, gid: NOBODY, stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void impostor.kill());
  await once(impostor.stdout, "data");
  await expect(openAgentTracer(libc, {}, socket)).rejects.toThrow(`${socket} is not root's`);
});
