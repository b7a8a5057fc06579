// An S3-compatible store as a bucket. S3 cannot append, and many write at once: a line is an object of its own whose name holds
// the line, so that one LIST reads them all. Names begin with the time counted backwards: the newest are listed first.
import type { S3mini } from "s3mini";
import type { EngineBucket, EngineLimits } from "./redis.ts";
import { MAX_LINES } from "./bucket.ts";
import { StoreError } from "./store.ts";

export interface S3Address {
  /** With the bucket: `https://host/bucket`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Stores that keep objects as files allow 255 bytes between two slashes. */
const PART = /.{1,200}/g;
/** Requests at once, of one process. */
const MAX_CONNECTIONS = 16;
/** 13 digits until the year 2286. */
const LAST_MS = 9_999_999_999_999;
/** 4 MiB a second: slower is as good as down. */
const BYTES_PER_MS = 4194;

/** @param prefix of every name, with its final `/` */
export async function s3Bucket(
  name: string,
  address: S3Address,
  { prefix, clock, deadlineMs, maxBytes }: EngineLimits & { readonly prefix: string },
): Promise<EngineBucket> {
  const [{ S3mini }, { Agent, fetch }] = await Promise.all([import("s3mini"), import("undici")]);
  const agent = new Agent({ connect: { timeout: deadlineMs }, connections: MAX_CONNECTIONS });
  const client: S3mini = new S3mini({
    ...address,
    fetch: ((url: string, init: object) =>
      inTime(deadlineMs, init, (signal) =>
        fetch(url, { ...init, dispatcher: agent, redirect: "error", signal }),
      )) as unknown as typeof globalThis.fetch,
  });
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asStoreError(name, error);
    }
  };
  const nameOf = (key: string): string => prefix + key;
  return {
    name,
    close: () => void agent.destroy(),
    get: (key) =>
      run(async () => {
        const response = await client.getObjectResponse(nameOf(key));
        return response === null ? undefined : readBody(name, response, maxBytes);
      }),
    put: (key, bytes) =>
      run(async () => {
        // A value of the same name has the same meaning; of another length, it was cut.
        if ((await lengthOf(client, nameOf(key))) === bytes.length) return;
        await client.putObject(nameOf(key), Buffer.from(bytes));
      }),
    missing: (keys) =>
      run(async () => {
        const there = await Promise.all(keys.map((key) => client.objectExists(nameOf(key))));
        return keys.filter((_, i) => there[i] !== true);
      }),
    async addLine(key, line) {
      const time = String(LAST_MS - clock.now()).padStart(13, "0");
      const parts = Buffer.from(line).toString("base64url").match(PART) ?? [];
      await run(() => client.putObject([nameOf(key), time, ...parts].join("/"), ""));
    },
    lines: (key) =>
      run(async () => {
        const folder = `${nameOf(key)}/`;
        const objects = await client.listObjects("/", folder, MAX_LINES);
        // null: there is no such bucket.
        if (objects === null) throw new StoreError(name, "NoSuchBucket", `${name}: there is no such bucket`);
        return objects.map(({ Key }) => Buffer.from(Key.slice(folder.length + 14).replaceAll("/", ""), "base64url"));
      }),
  };
}

/** The answer has to begin within the deadline, and its body, as ours, to flow at 4 MiB a second. */
async function inTime<T extends { readonly headers: { get(name: string): string | null } }>(
  deadlineMs: number,
  { body }: { readonly body?: unknown },
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const after = (bytes: number): NodeJS.Timeout =>
    setTimeout(
      () => abort.abort(Object.assign(new Error("too slow"), { code: "timeout" })),
      deadlineMs + bytes / BYTES_PER_MS,
    );
  const begun = after(body instanceof Uint8Array ? body.length : 0);
  try {
    const response = await ask(abort.signal);
    // When all is read, aborting does nothing.
    after(Number(response.headers.get("content-length") ?? 0)).unref();
    return response;
  } finally {
    clearTimeout(begun);
  }
}

/** Cut is an error of the connection; longer than announced does not happen in HTTP; longer than we take is not read. */
async function readBody(name: string, response: Response, maxBytes: number): Promise<Uint8Array> {
  const tooLong = (): StoreError => new StoreError(name, "EFBIG", `${name}: a value has more than ${maxBytes} bytes`);
  if (Number(response.headers.get("content-length") ?? 0) > maxBytes) {
    await response.body?.cancel();
    throw tooLong();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) throw tooLong();
  }
  return Buffer.concat(chunks);
}

/** @returns undefined if there is no such object */
async function lengthOf(client: S3mini, key: string): Promise<number | undefined> {
  try {
    return await client.getContentLength(key);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

function statusOf(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { status } = at as { status?: unknown };
    if (typeof status === "number") return status;
  }
  return undefined;
}

/** Only codes go on: a body or a URL could hold anything. */
function asStoreError(layer: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at.name === "HTTPParserError") return new StoreError(layer, "garbage", `${layer}: garbage`);
    const { status, code } = at as { status?: unknown; code?: unknown };
    const word = typeof code === "string" && /^[\w-]{1,60}$/.test(code) && code !== "Unknown" ? code : undefined;
    const short = word ?? (typeof status === "number" ? String(status) : undefined);
    if (short !== undefined) return new StoreError(layer, short, `${layer}: ${short}`);
  }
  return new StoreError(layer, "unknown", `${layer}: ${error instanceof Error ? error.name : "unknown"}`);
}
