// actions/setup-github-cache, post.
import { post } from "../github-cache-post.ts";
import { runnerHost } from "../host.ts";

// Whatever happens, the step stays green: without a cache, later steps ask GitHub themselves.
await post(runnerHost(process.env as Record<string, string>, (text) => void process.stdout.write(text)));
// A request that was given up may keep its socket open.
process.exit(0);
