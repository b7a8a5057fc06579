// The root action, post: in job mode, collects what the job read and records it if the job passed.
import { runnerHost } from "../host.ts";
import { post } from "../skip/post.ts";

const { stdout } = process;
await post(runnerHost(process.env as Record<string, string>, (text) => void stdout.write(text)));
