// actions/setup-codeql-cache, post.
import { post } from "../codeql-post.ts";
import { runnerHost } from "../host.ts";

// Whatever happens, the step stays green: a cache that is in trouble is a scan that runs.
await post(runnerHost(process.env as Record<string, string>, (text) => void process.stdout.write(text)));
// A request far away that was given up may keep its socket, and us, for minutes.
process.exit();
