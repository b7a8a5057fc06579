// Makes an answer of the engine what a client of one door expects: addresses rewritten, JSON indented for people, and an
// account of what the cache did.
import type { Readable } from "node:stream";
import { LRUCache } from "lru-cache";
import type { Hasher } from "../../ports.ts";
import { cacheStatus } from "../answer.ts";
import { namesTag } from "../etag.ts";
import { type ApiAnswer, type RequestHeaders, type ResponseHeaders, flat } from "../message.ts";
import { indent, wantsIndented } from "../pretty.ts";
import { rewriteAddress, rewriteJson, rewriteLink, rewriteStream } from "../rewrite.ts";

export interface Presented {
  readonly status: number;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly fields: string[];
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
    const { status, body } = answer;
    const indents = wantsIndented(client["user-agent"]) && (answer.mode !== "SKIP" || rewriting !== undefined);
    const made = this.#known(answer, rewriting, indents);
    const remade = made !== undefined || ((rewriting !== undefined || indents) && isPlainJson(answer.headers));
    if (body === undefined || !remade) return { status, fields: fieldsOf(answer, rewriting), body };
    if (!(body instanceof Uint8Array)) {
      const shown = rewriting === undefined ? body : body.pipe(rewriteStream(rewriting.from, rewriting.to));
      return { status, fields: fieldsOf(answer, rewriting), body: shown };
    }
    const { body: bytes, etag } = made ?? this.#make(answer, body, rewriting, indents);
    if (rewriting === undefined || status !== 200) return { status, fields: fieldsOf(answer, rewriting), body: bytes };
    const fields = fieldsOf(answer, rewriting, etag);
    const asked = client["if-none-match"];
    if (asked !== undefined && namesTag(asked, etag)) return { status: 304, fields, body: undefined };
    return { status, fields, body: bytes };
  }

  /** Made before of the same stored bytes. */
  #known({ bodyKey }: ApiAnswer, rewriting: Rewriting | undefined, indents: boolean): Made | undefined {
    if (bodyKey === undefined || (rewriting === undefined && !indents)) return undefined;
    return this.#made.get(keyOf(bodyKey, rewriting, indents));
  }

  #make(answer: ApiAnswer, body: Uint8Array, rewriting: Rewriting | undefined, indents: boolean): Made {
    let bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (rewriting !== undefined) bytes = rewriteJson(bytes, rewriting.from, rewriting.to) as typeof bytes;
    if (indents) bytes = indent(bytes) as typeof bytes;
    const made = { body: bytes, etag: `"fg-${this.#hasher.sha256(bytes)}"` };
    if (answer.bodyKey !== undefined) this.#made.set(keyOf(answer.bodyKey, rewriting, indents), made);
    return made;
  }
}

/** In one pass, because this is half of what a hit costs. */
function fieldsOf(answer: ApiAnswer, rewriting: Rewriting | undefined, etag?: string): string[] {
  const fields = answer.fields === undefined ? flat(answer.headers) : [...answer.fields];
  if (rewriting !== undefined)
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] ?? "";
      if (name === "etag" && etag !== undefined) fields[i + 1] = etag;
      else if (name === "link" || name === "location")
        fields[i + 1] = rewriteField(name, fields[i + 1] ?? "", rewriting);
    }
  const { mode, why, ttlS } = answer;
  fields.push("x-cache-mode", mode, "cache-status", cacheStatus(mode, why, ttlS));
  return fields;
}

function rewriteField(name: string, value: string, { from, to }: Rewriting): string {
  return name === "link" ? rewriteLink(value, from, to) : rewriteAddress(value, from, to);
}

function keyOf(bodyKey: string, rewriting: Rewriting | undefined, indents: boolean): string {
  return `${bodyKey} ${indents ? "indented" : "plain"} ${rewriting?.to ?? ""}`;
}

function isPlainJson(headers: ResponseHeaders): boolean {
  const type = headers["content-type"];
  if (headers["content-encoding"] !== undefined) return false;
  return typeof type === "string" && /^application\/(?:[\w.+-]*\+)?json\b/i.test(type);
}
