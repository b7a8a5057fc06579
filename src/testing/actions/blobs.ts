// Blob storage behind signed URLs: block blobs as Azure takes them from the official clients, whole or in blocks.
import { createHash, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Reply } from "./faults.ts";

export class Blobs {
  readonly #values = new Map<string, Buffer>();
  readonly #blocks = new Map<string, Map<string, Buffer>>();
  readonly #signatures = new Map<string, string>();
  readonly #types = new Map<string, string>();

  /** A path that may be used without a token. */
  sign(id: string): string {
    const signature = this.#signatures.get(id) ?? randomUUID();
    this.#signatures.set(id, signature);
    return `/blobs/${id}?sv=2025-11-05&sp=rw&sig=${signature}`;
  }

  value(id: string): Buffer | undefined {
    return this.#values.get(id);
  }

  /** What a test puts in the place of what was uploaded. */
  replace(id: string, bytes: Buffer): void {
    this.#values.set(id, bytes);
  }

  put(url: URL, headers: IncomingHttpHeaders, body: Buffer): Reply {
    const id = url.pathname.slice("/blobs/".length);
    if (!this.#isSigned(id, url)) return failure(403, "AuthenticationFailed");
    const blocks = this.#blocks.get(id) ?? new Map<string, Buffer>();
    this.#blocks.set(id, blocks);
    const type = headers["x-ms-blob-content-type"];
    if (typeof type === "string") this.#types.set(id, type);
    const comp = url.searchParams.get("comp");
    if (comp === "block") blocks.set(url.searchParams.get("blockid") ?? "", body);
    else if (comp === "blocklist") {
      const named = [...body.toString().matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(([, name = ""]) => name);
      if (named.some((name) => !blocks.has(name))) return failure(400, "InvalidBlockList");
      this.#values.set(id, Buffer.concat(named.map((name) => blocks.get(name) ?? Buffer.alloc(0))));
    } else if (headers["x-ms-blob-type"] === "BlockBlob") this.#values.set(id, body);
    else return failure(400, "MissingRequiredHeader");
    return {
      status: 201,
      body: Buffer.alloc(0),
      headers: {
        etag: '"0x8DD"',
        "last-modified": new Date(0).toUTCString(),
        "x-ms-request-id": "1",
        "x-ms-version": "2025-11-05",
      },
    };
  }

  get(url: URL, headers: IncomingHttpHeaders): Reply {
    const id = url.pathname.slice("/blobs/".length);
    if (!this.#isSigned(id, url)) return failure(403, "AuthenticationFailed");
    const value = this.#values.get(id);
    if (value === undefined) return failure(404, "BlobNotFound");
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(String(headers["x-ms-range"] ?? headers.range ?? "")) ?? [];
    const start = Number(from ?? 0);
    const end = to === undefined || to === "" ? value.length : Math.min(value.length, Number(to) + 1);
    const common = {
      "content-type": this.#types.get(id) ?? "application/octet-stream",
      "x-ms-blob-type": "BlockBlob",
      "accept-ranges": "bytes",
      etag: '"0x8DD"',
      "last-modified": new Date(0).toUTCString(),
      "content-md5": createHash("md5").update(value).digest("base64"),
    };
    if (from === undefined) return { status: 200, body: value, headers: common };
    const range = { "content-range": `bytes ${start}-${end - 1}/${value.length}` };
    return { status: 206, body: value.subarray(start, end), headers: { ...common, ...range } };
  }

  #isSigned(id: string, url: URL): boolean {
    return this.#signatures.has(id) && this.#signatures.get(id) === url.searchParams.get("sig");
  }
}

function failure(status: number, code: string): Reply {
  const body = Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  return { status, body, headers: { "content-type": "application/xml", "x-ms-error-code": code } };
}
