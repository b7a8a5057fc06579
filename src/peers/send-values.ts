// A list of values as the frames of one request.
import type { Member } from "./member.ts";
import { chunksOf, encodeValues, type SealedValue } from "./wire.ts";

/** What is larger waits behind the answers of others. */
const SMALL_BYTES = 32_768;

export function sendValues({ session }: Member, type: number, id: number, values: readonly SealedValue[]): void {
  const parts = encodeValues(values);
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  for (const body of chunksOf(parts, size)) session.send(type, id, body, size > SMALL_BYTES);
}
