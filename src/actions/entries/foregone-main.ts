// The root action, main.
import { runnerHost } from "../host.ts";
import { main } from "../skip/main.ts";

const { stdout } = process;
process.exitCode = await main(runnerHost(process.env as Record<string, string>, (text) => void stdout.write(text)));
