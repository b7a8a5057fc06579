// A real redis-server of its own for one test file, gone when the tests end. Missing: tests skip, and say so.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RedisAddress } from "../store/redis-client.ts";

export const redisMissing: string | undefined = (() => {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "no redis-server: apt-get install redis-server";
  }
})();

export interface RedisServer {
  readonly address: RedisAddress;
  readonly process: ChildProcess;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param settings lines of redis.conf, e.g. "requirepass x" */
export async function redisServer(settings: readonly string[] = []): Promise<RedisServer> {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const started = await start(port, settings);
    if (started !== undefined) return started;
    // Somebody took the port meanwhile: Redis takes none by itself.
    if (attempt === 5) throw new Error("redis-server does not start");
  }
}

async function start(port: number, settings: readonly string[]): Promise<RedisServer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "foregone-redis-"));
  const child = spawn("redis-server", ["-"], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end([`port ${port}`, "bind 127.0.0.1", 'save ""', "appendonly no", ...settings, ""].join("\n"));
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  const ready = new Promise<boolean>((done) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("Ready to accept connections")) done(true);
    });
    child.once("close", () => done(false));
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  if (await ready)
    return { address: { host: "127.0.0.1", port, tls: false }, process: child, [Symbol.asyncDispose]: stop };
  await stop();
  return undefined;
}

export function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
