// HTTP by node:http. The global fetch does the same, but is loaded at its first use, which costs more than a bare start of Node: a
// step that decides within a fraction of a second feels it (bench/action.ts).
import type { IncomingMessage } from "node:http";
import type { Fetch } from "../ports.ts";

export const nodeFetch: Fetch = async (url, { method, headers, body, signal }) => {
  // Not `import`: that looks at every export of node:http, and one of them loads what the global fetch is.
  const { request } = process.getBuiltinModule(url.startsWith("https:") ? "node:https" : "node:http");
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const sent = request(url, { method, headers }, (message) => {
      answer = message;
      // Whoever reads the body hears of it; a body that nobody reads any more must not end the process.
      message.on("error", () => undefined);
      const get = (name: string): string | null => [message.headers[name.toLowerCase()]].flat().join(", ") || null;
      resolve({ status: message.statusCode ?? 0, headers: { get }, body: message });
    }).on("error", reject);
    // Not the option `signal`: aborted right after the last byte, it throws where nobody can catch (Node 20 and 24).
    signal.addEventListener("abort", () => void (answer ?? sent).destroy(), { once: true });
    sent.end(body);
  });
};
