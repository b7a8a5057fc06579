// Talking to a running agent. No agent, a slow agent and a broken answer are all `undefined`: the caller works directly.
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Ask {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: Uint8Array | string;
  /** Whole milliseconds for everything; an agent on the same machine answers in one or two. */
  readonly deadlineMs?: number;
  readonly maxBytes?: number;
}

const DEADLINE_MS = 2000;
const MAX_BYTES = 64 * 1024 * 1024;

export async function askAgent(socketPath: string, ask: Ask): Promise<Answer | undefined> {
  // 15 ms of start-up that nobody without an agent should pay.
  const { request } = await import("node:http");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const call = request(
      {
        socketPath,
        method: ask.method ?? "GET",
        path: ask.path,
        headers: {
          host: "agent",
          connection: "close",
          ...(ask.body !== undefined && { "content-length": Buffer.byteLength(ask.body) }),
        },
        signal: AbortSignal.timeout(ask.deadlineMs ?? DEADLINE_MS),
      },
      (response) => {
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > (ask.maxBytes ?? MAX_BYTES)) call.destroy();
          else chunks.push(chunk);
        });
        response.on("end", () =>
          resolve(
            response.complete ? { status: response.statusCode ?? 0, body: Buffer.concat(chunks, size) } : undefined,
          ),
        );
        response.on("error", () => resolve(undefined));
      },
    );
    call.on("error", () => resolve(undefined));
    call.on("close", () => resolve(undefined));
    call.end(ask.body);
  });
}

/** @returns undefined for no agent and for anything that is not the JSON asked for */
export async function askAgentJson<T>(socketPath: string, ask: Ask): Promise<T | undefined> {
  const answer = await askAgent(socketPath, ask);
  if (answer === undefined || answer.status !== 200) return undefined;
  try {
    return JSON.parse(answer.body.toString()) as T;
  } catch {
    return undefined;
  }
}
