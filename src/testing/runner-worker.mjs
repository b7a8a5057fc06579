// Plays Runner.Worker: starts what it is told to, one process at a time, as its own child. Started through a link of that name, so that
// the kernel calls it so.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { argv, cwd, env, cancel } = JSON.parse(line);
  const [file, ...args] = argv;
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {Buffer[]} */
  const chunks = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  child.stderr.on("data", (chunk) => chunks.push(chunk));
  // Cancelled as soon as it says the word.
  if (cancel !== undefined)
    child.stdout.on("data", () => {
      if (!child.killed && Buffer.concat(chunks).includes(cancel.says)) child.kill(cancel.signal);
    });
  const code = await new Promise((done) => {
    child.once("error", () => done(127));
    child.once("close", (status, by) => done(by === null ? status : 128));
  });
  process.stdout.write(`${JSON.stringify({ code, log: Buffer.concat(chunks).toString("latin1") })}\n`);
}
