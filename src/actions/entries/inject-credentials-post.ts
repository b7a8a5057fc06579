// actions/inject-credentials, post.
import { runnerHost } from "../host.ts";
import { post } from "../inject-post.ts";

post(runnerHost(process.env as Record<string, string>, (text) => void process.stdout.write(text)));
