// actions/setup-github-cache, main.
import { main } from "../github-cache-main.ts";
import { runnerHost } from "../host.ts";

// Whatever happens, the step stays green: without a cache, later steps ask GitHub themselves.
await main(runnerHost(process.env as Record<string, string>, (text) => void process.stdout.write(text)));
