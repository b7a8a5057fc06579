// Keeps a client of the base-URL door on that door: addresses of the API in `Link`, `Location` and in the JSON fields
// that hold API addresses become addresses of the proxy. Without it paginate() leaves at page 2, and PyGithub refuses a
// body whose url is not below its base. By a scan of bytes: parsing and printing would round ids beyond 2^53.
import { Transform } from "node:stream";

/** Longest field name we look back over: "pull_request_review_comments_url" has 32. */
const MAX_FIELD = 64;

/**
 * Sound in JSON without blanks: a quote inside a string is always escaped, so `{"url":"` or `,"url":"` can only be a field.
 * @param from API root, e.g. "https://api.github.com"
 * @param to root of the proxy, e.g. "http://127.0.0.1:4100"
 */
export function rewriteJson(body: Buffer, from: string, to: string): Buffer {
  const [parts] = scan(body, 0, body.length, from, Buffer.from(to));
  return parts.length === 1 ? body : Buffer.concat(parts);
}

/** The same for a body too large to hold. */
export function rewriteStream(from: string, to: string): Transform {
  const target = Buffer.from(to);
  /** Bytes of a match plus the one behind it: a chunk's last so many wait for the next. */
  const reach = needleOf(from).length + 1;
  let held: Buffer = Buffer.alloc(0);
  /** How much of `held` has been sent; kept because a match looks back. */
  let sent = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const all = Buffer.concat([held, chunk]);
      const end = Math.max(sent, all.length - reach);
      const [parts, next] = scan(all, sent, end, from, target);
      const keep = Math.max(0, next - MAX_FIELD - 3);
      held = all.subarray(keep);
      sent = next - keep;
      done(null, Buffer.concat(parts));
    },
    flush(done) {
      const [parts] = scan(held, sent, held.length, from, target);
      done(null, Buffer.concat(parts));
    },
  });
}

function needleOf(from: string): Buffer {
  return Buffer.from(`":"${from}`);
}

/** Rewrites matches that begin in [start, end). @returns the pieces, and how far they go */
function scan(all: Buffer, start: number, end: number, from: string, to: Buffer): [parts: Buffer[], next: number] {
  const needle = needleOf(from);
  const parts: Buffer[] = [];
  let copied = start;
  for (let at = all.indexOf(needle, start); at !== -1 && at < end; at = all.indexOf(needle, at + 1)) {
    const after = at + needle.length;
    if (!endsRoot(all[after]) || !isAddressField(all, at)) continue;
    parts.push(all.subarray(copied, at + 3), to);
    copied = after;
  }
  const next = Math.max(copied, end);
  parts.push(all.subarray(copied, next));
  return [parts, next];
}

/** The byte after the root: "/", "?", "{" (a template) or the closing quote. Anything else is another host. */
function endsRoot(byte: number | undefined): boolean {
  return byte === 0x2f || byte === 0x3f || byte === 0x7b || byte === 0x22;
}

/** Is the quote at `close` the end of a field named url, href or *_url? */
function isAddressField(all: Buffer, close: number): boolean {
  let open = close - 1;
  while (open >= 0 && close - open <= MAX_FIELD && all[open] !== 0x22) open--;
  if (open < 1 || all[open] !== 0x22) return false;
  if (all[open - 1] !== 0x7b && all[open - 1] !== 0x2c) return false;
  const field = all.toString("latin1", open + 1, close);
  return field === "url" || field === "href" || (field.endsWith("_url") && /^\w+$/.test(field));
}

/** `Link`, whose addresses stand between angle brackets. */
export function rewriteLink(value: string, from: string, to: string): string {
  return value.replaceAll(`<${from}/`, `<${to}/`);
}

/** `Location`. */
export function rewriteAddress(address: string, from: string, to: string): string {
  return address === from || address.startsWith(`${from}/`) || address.startsWith(`${from}?`)
    ? to + address.slice(from.length)
    : address;
}
