// The tracer as root, started by the action: settings on stdin, one line on stdout.
import { run } from "../../cli/commands/tracer.ts";

const { stdin, stdout, stderr, env } = process;
process.exitCode = await run({ cwd: process.cwd(), env: env as Record<string, string>, stdin, stdout, stderr });
