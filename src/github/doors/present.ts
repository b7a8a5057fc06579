// Makes an answer of the engine what a client of one door expects: addresses rewritten, JSON indented for people, and an
// account of what the cache did.
import type { Readable } from "node:stream";
import { LRUCache } from "lru-cache";
import type { Hasher } from "../../ports.ts";
import { cacheStatus } from "../answer.ts";
import { namesTag } from "../etag.ts";
import type { ApiAnswer, RequestHeaders, ResponseHeaders } from "../message.ts";
import { indent, wantsIndented } from "../pretty.ts";
import { rewriteHeaders, rewriteJson, rewriteStream } from "../rewrite.ts";

export interface Presented {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Uint8Array | Readable | undefined;
}

/** API root and the root that clients of this door see instead. */
export interface Rewriting {
  readonly from: string;
  readonly to: string;
}

interface Made {
  readonly body: Buffer;
  readonly etag: string;
}

/** 16 MiB of bodies as some door shows them. */
const MAX_MADE_BYTES = 16 * 1024 * 1024;

export class Presenter {
  readonly #hasher: Hasher;
  readonly #made = new LRUCache<string, Made>({
    maxSize: MAX_MADE_BYTES,
    sizeCalculation: ({ body }) => body.length + 300,
  });

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** @param client the headers the client sent, with its own If-None-Match */
  present(answer: ApiAnswer, client: RequestHeaders, rewriting: Rewriting | undefined): Presented {
    const account = { "x-cache-mode": answer.mode, "cache-status": cacheStatus(answer.mode, answer.why, answer.ttlS) };
    const indents = wantsIndented(client["user-agent"]) && (answer.mode !== "SKIP" || rewriting !== undefined);
    const { status, body } = answer;
    if (rewriting === undefined && !indents) return { status, headers: { ...answer.headers, ...account }, body };
    const shown =
      rewriting === undefined ? answer.headers : rewriteHeaders(answer.headers, rewriting.from, rewriting.to);
    const headers: ResponseHeaders = { ...shown, ...account };
    if (body === undefined || !isJson(headers) || headers["content-encoding"] !== undefined)
      return { status, headers, body };
    if (!(body instanceof Uint8Array))
      return {
        status,
        headers,
        body: rewriting === undefined ? body : body.pipe(rewriteStream(rewriting.from, rewriting.to)),
      };
    const made = this.#make(answer, body, rewriting, indents);
    if (rewriting === undefined || status !== 200) return { status, headers, body: made.body };
    headers["etag"] = made.etag;
    const asked = client["if-none-match"];
    if (asked !== undefined && namesTag(asked, made.etag)) return { status: 304, headers, body: undefined };
    return { status, headers, body: made.body };
  }

  #make(answer: ApiAnswer, body: Uint8Array, rewriting: Rewriting | undefined, indents: boolean): Made {
    const key = answer.bodyKey === undefined ? undefined : `${answer.bodyKey} ${indents} ${rewriting?.to}`;
    const before = key === undefined ? undefined : this.#made.get(key);
    if (before !== undefined) return before;
    let bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (rewriting !== undefined) bytes = rewriteJson(bytes, rewriting.from, rewriting.to) as typeof bytes;
    if (indents) bytes = indent(bytes) as typeof bytes;
    const made = { body: bytes, etag: `"fg-${this.#hasher.sha256(bytes)}"` };
    if (key !== undefined) this.#made.set(key, made);
    return made;
  }
}

function isJson(headers: ResponseHeaders): boolean {
  const type = headers["content-type"];
  return typeof type === "string" && /^application\/(?:[\w.+-]*\+)?json\b/i.test(type);
}
