// The action's process as the commands of the CLI see theirs.
import { Readable, Writable } from "node:stream";
import type { CliContext } from "../cli/command.ts";
import type { Host } from "./host.ts";

export function contextOf(host: Host): CliContext {
  const token = host.input("github-token");
  const line = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        host.log(chunk.toString().trimEnd());
        done();
      },
    });
  return {
    cwd: host.env["GITHUB_WORKSPACE"] ?? process.cwd(),
    // What only this action gets is no input of the scan.
    env: { ...withoutPrivate(host.env), ...(token !== "" && { GITHUB_TOKEN: token }) },
    stdin: Readable.from([]),
    stdout: line(),
    stderr: line(),
  };
}

function withoutPrivate(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:INPUT_|STATE_)/.test(name)));
}
