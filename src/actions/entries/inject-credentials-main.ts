// actions/inject-credentials, main.
import { runnerHost } from "../host.ts";
import { main } from "../inject-main.ts";

const env = process.env as Record<string, string>;
const { stdin, stdout, stderr } = process;
process.exitCode = await main(
  runnerHost(env, (text) => void stdout.write(text)),
  { cwd: env["GITHUB_WORKSPACE"] ?? process.cwd(), env, stdin, stdout, stderr },
);
