// A real S3-compatible server of its own, gone when the tests end.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { S3Address } from "../store/s3.ts";

export interface S3Server {
  readonly address: S3Address;
  readonly process: ChildProcess;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function s3Server(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), "foregone-s3-"));
  const child = spawn(process.execPath, ["--no-deprecation", resolve("src/testing/s3-process.mjs"), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  const port = await new Promise<string>((done, reject) => {
    child.stdout.once("data", (chunk: Buffer) => done(chunk.toString().trim()));
    child.once("close", () => reject(new Error("s3rver does not start")));
  });
  return {
    address: {
      endpoint: `http://127.0.0.1:${port}/store`,
      region: "us-east-1",
      // The only credentials that s3rver knows.
      accessKeyId: "S3RVER",
      secretAccessKey: "S3RVER",
    },
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
