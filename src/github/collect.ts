// Reads a body to its end, up to a bound; what is larger goes on as a stream that begins with what was read.
import { PassThrough, type Readable } from "node:stream";
import { type ApiAnswer, type UpstreamResponse, UpstreamError, one } from "./message.ts";

export type Collected = { readonly whole: Buffer } | { readonly stream: Readable };

/** @throws UpstreamError "cut" if it ends before its end */
export async function collect(response: UpstreamResponse, maxBytes: number): Promise<Collected> {
  const { body } = response;
  if (Number(one(response.headers, "content-length") ?? 0) > maxBytes) return { stream: body };
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= maxBytes) return;
      detach();
      body.pause();
      resolve({ stream: continued(chunks, body) });
    };
    const onEnd = (): void => {
      detach();
      resolve({ whole: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size) });
    };
    const onError = (error: Error): void => {
      detach();
      reject(error instanceof UpstreamError ? error : new UpstreamError("cut", "the answer was cut off", error));
    };
    const onClose = (): void => onError(new UpstreamError("cut", "the answer was cut off"));
    const detach = (): void => {
      body.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
    };
    body.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
  });
}

/** Closes what nobody will read. */
export function dispose(body: ApiAnswer["body"]): void {
  if (body === undefined || body instanceof Uint8Array) return;
  body.on("error", () => undefined);
  body.destroy();
}

function continued(chunks: readonly Buffer[], rest: Readable): Readable {
  const out = new PassThrough();
  out.on("error", () => undefined);
  for (const chunk of chunks) out.write(chunk);
  rest.on("error", (error) => out.destroy(error));
  out.on("close", () => {
    if (!rest.readableEnded) rest.destroy();
  });
  return rest.pipe(out);
}
