// actions/setup-codeql-cache, main.
import { main } from "../codeql-main.ts";
import { runnerHost } from "../host.ts";

// Whatever happens, the step stays green: a cache that is in trouble is a scan that runs.
await main(runnerHost(process.env as Record<string, string>, (text) => void process.stdout.write(text)));
// A request far away that was given up may keep its socket, and us, for minutes.
process.exit();
