// The command line in a process of its own, as bin/foregone starts it.
import { main } from "../cli/main.ts";

process.exitCode = await main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env as Record<string, string>,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
