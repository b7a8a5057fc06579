// The root action, main.
import { runnerHost } from "../host.ts";
import { main } from "../skip/main.ts";

const { stdout, stderr } = process;
const code = await main(runnerHost(process.env as Record<string, string>, (text) => void stdout.write(text)));
// What was written is out; a request that nobody waits for any more would keep the step alive.
await Promise.all([stdout, stderr].map((stream) => new Promise((done) => stream.write("", done))));
process.exit(code);
