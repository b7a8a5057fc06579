// Byte strings and text. The tracer's paths are bytes, one character each; the rest of the program speaks UTF-8.
import type { Bytes } from "../event.ts";

// oxlint-disable-next-line no-control-regex -- bytes above 127 are the point
const ASCII = /^[\x00-\x7f]*$/;

/** @returns undefined if the bytes are not UTF-8: nothing else in this program could name such a file */
export function toText(bytes: string): string | undefined {
  if (ASCII.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, "latin1");
  const text = buffer.toString("utf8");
  return Buffer.from(text, "utf8").equals(buffer) ? text : undefined;
}

/** For messages about names that have no text: bytes that are not UTF-8 become U+FFFD. */
export function toMessage(bytes: string): string {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

export function toBytes(text: string): Bytes {
  return (ASCII.test(text) ? text : Buffer.from(text, "utf8").toString("latin1")) as Bytes;
}
