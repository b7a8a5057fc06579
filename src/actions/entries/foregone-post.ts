// The root action, post: in job mode, collects what the job read and records it if the job passed.
import { runnerHost } from "../host.ts";
import { post } from "../skip/post.ts";

const { stdout, stderr } = process;
await post(runnerHost(process.env as Record<string, string>, (text) => void stdout.write(text)));
const code = 0;
// What was written is out; a request that nobody waits for any more would keep the step alive.
await Promise.all([stdout, stderr].map((stream) => new Promise((done) => stream.write("", done))));
process.exit(code);
