// Bytes that are hashed, sealed or compared: length-prefixed parts, strict base64, comparison in constant time.
import { timingSafeEqual } from "node:crypto";

/**
 * lp(a, b, ..): u32be byte length, then the bytes, of each part (strings as UTF-8). No two lists share an encoding, so
 * no field can borrow bytes from its neighbour.
 */
export function lp(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = typeof part === "string" ? Buffer.from(part, "utf8") : part;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** Node's decoder skips what it does not know; here the one canonical text of some bytes decodes, anything else does not. */
export function fromBase64(text: string, encoding: "base64" | "base64url" = "base64"): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  return bytes.toString(encoding) === text ? bytes : undefined;
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Takes the same time wherever the difference lies. Lengths are not secret. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
