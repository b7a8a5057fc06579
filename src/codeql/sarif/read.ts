// Bytes -> a SARIF log, bounded before anything is believed: size, nesting, UTF-8. gzip is opened here and nowhere else.
import { gunzipSync } from "node:zlib";
import type { Log } from "sarif";

/** 64 MiB of JSON: six times what GitHub takes gzipped at a ratio of 1:6; parsed it is about 400 MB at worst. */
export const MAX_SARIF_BYTES = 64 * 1024 * 1024;
/** Real logs nest 20 deep; V8 parses any depth, but writing it again recurses. */
const MAX_DEPTH = 200;

export type ReadSarif =
  | { readonly kind: "log"; readonly log: unknown; readonly bom: boolean; readonly sizeBytes: number }
  | { readonly kind: "refused"; readonly code: "not-json" | "over-limit"; readonly why: string };

/** @param bytes JSON or gzipped JSON, with or without a BOM */
export function readSarif(bytes: Uint8Array, maxBytes: number = MAX_SARIF_BYTES): ReadSarif {
  let json = bytes;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      json = gunzipSync(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
        ? tooLarge(maxBytes)
        : refused("not-json", "the gzip stream is damaged");
    }
  }
  if (json.length > maxBytes) return tooLarge(maxBytes);
  if (deeperThan(json, MAX_DEPTH)) return refused("over-limit", `nested deeper than ${MAX_DEPTH}`);
  try {
    // ignoreBOM keeps the mark, so that it can be told.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
    const bom = text.charCodeAt(0) === 0xfeff;
    return { kind: "log", log: JSON.parse(bom ? text.slice(1) : text), bom, sizeBytes: json.length };
  } catch (error) {
    return refused("not-json", error instanceof Error ? error.message.slice(0, 200) : "not UTF-8");
  }
}

/** The log as compact JSON. @param log plain data, as `readSarif` returns it */
export function writeSarif(log: Log): Uint8Array {
  return Buffer.from(JSON.stringify(log));
}

function refused(code: "not-json" | "over-limit", why: string): ReadSarif {
  return { kind: "refused", code, why };
}

function tooLarge(maxBytes: number): ReadSarif {
  return refused("over-limit", `more than ${maxBytes} bytes of JSON`);
}

function deeperThan(json: Uint8Array, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > limit) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}
