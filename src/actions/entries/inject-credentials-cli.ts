// `foregone secrets` for later steps of a job, in mode `exec` of inject-credentials: the same commands, without the rest.
import { commandLine } from "../../cli/shell.ts";
import { secretsSpecs } from "../../cli/specs/secrets.ts";

const { stdin, stdout, stderr } = process;
process.exitCode = await commandLine(
  process.argv.slice(2),
  { cwd: process.cwd(), env: process.env as Record<string, string>, stdin, stdout, stderr },
  secretsSpecs,
);
