// The shapes in which a secret turns up in a log. The runner masks eleven of them; the others below it leaves in clear text, as
// in `echo "$TOKEN" | base64`, whose line feed changes the last characters. Rules and known answers:
// test/vectors/masking/masking.json; runner: actions/runner src/Sdk/DTLogging/ValueEncoders.cs at 258d6c8.

/** A shorter text masks words that are no secret: one line "{" would blacken every "{". */
const MIN_ATOM = 4;
const MIN_FORM = 8;

/** The whole value; string leaves if it is JSON; trimmed lines of all of these. */
export interface Atoms {
  readonly whole: string;
  readonly leaves: readonly string[];
  readonly lines: readonly string[];
}

export function atomsOf(value: string): Atoms {
  const leaves = [...jsonLeaves(value)].filter((leaf) => leaf.length >= MIN_ATOM);
  const lines = [value, ...leaves].flatMap(linesOf).filter((line) => line.length >= MIN_ATOM);
  return { whole: value, leaves: unique(leaves), lines: unique(lines) };
}

/** Trimmed, without empty ones. */
export function linesOf(value: string): readonly string[] {
  return value
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** What the runner itself masks for one mask: the text in eleven encodings. */
export function runnerEncodings(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const shifted = [1, 2].map((shift) => (bytes.length > shift ? bytes.subarray(shift) : bytes));
  return unique([
    text,
    ...[bytes, ...shifted].map((part) => part.toString("base64")),
    text.replaceAll('"', '\\"'),
    text.replaceAll("'", "''"),
    jsonEscape(text, NEWTONSOFT),
    percent(text, /[A-Za-z0-9\-_.~]/),
    text.replace(/[<>"'&]/g, (c) => XML[c] ?? c),
    text.length > 8 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : "",
    ...ampersandParts(text),
  ]);
}

/** What the runner leaves in clear text: base64 beside other text, twice, unpadded, in columns; hex; form, URI and JSON dialects. */
export function furtherForms(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const once = [0, 1, 2].flatMap((shift) => base64Forms(bytes.subarray(shift)));
  const twice = [0, 1, 2].map((shift) => stablePart(Buffer.from(bytes.toString("base64")).subarray(shift)));
  const uris = [
    percent(value, /[A-Za-z0-9\-_.~]/),
    formEncode(value),
    encodeURIComponent(Buffer.from(value).toString()),
  ];
  const columns = [bytes, Buffer.from(`${value}\n`)].flatMap((part) => {
    const text = part.toString("base64");
    return [...columnsOf(text, 76), ...columnsOf(text, 64)];
  });
  return unique([
    ...once,
    ...twice,
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...uris.slice(1),
    ...uris.map((uri) => uri.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    JSON.stringify(value).slice(1, -1),
    jsonEscape(value, ASCII_ONLY),
    jsonEscape(value, HTML_SAFE),
    value.replaceAll("'", "'\\''"),
    ...columns,
    ...columnsOf(bytes.toString("hex"), 60),
  ]).filter((form) => form.length >= MIN_FORM);
}

/** Everything that a redactor must not let pass for this value. */
export function redactPatterns(value: string): readonly string[] {
  const { whole, leaves, lines } = atomsOf(value);
  return unique([
    ...[whole, ...leaves, ...lines].flatMap(runnerEncodings),
    ...[whole, ...leaves].flatMap(furtherForms),
  ]);
}

export function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].filter((text) => text !== "");
}

function* jsonLeaves(value: string): Generator<string> {
  if (!/^\s*[[{]/.test(value)) return;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return;
  }
  const left = [parsed];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (typeof node === "string") yield node;
    else if (typeof node === "object" && node !== null) left.push(...(Object.values(node) as unknown[]));
  }
}

/** Unpadded, and the part that stays whatever follows, in both alphabets. */
function base64Forms(bytes: Buffer): string[] {
  const text = bytes.toString("base64").replace(/=+$/, "");
  const both = [text, stablePart(bytes)];
  return [...both, ...both.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"))];
}

function stablePart(bytes: Buffer): string {
  return bytes.toString("base64").slice(0, Math.floor((bytes.length * 8) / 6));
}

/** The lines of a text that does not fit into one. */
function columnsOf(text: string, width: number): string[] {
  return text.length <= width ? [] : (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []);
}

// What each JSON writer escapes: the runner's, one that writes ASCII alone, one whose text may stand in HTML.
/* oxlint-disable no-control-regex -- control characters are what is escaped */
const NEWTONSOFT = /["\\\u0000-\u001f\u0085\u2028\u2029]/g;
const ASCII_ONLY = /["\\\u0000-\u001f\u007f-\uffff]/g;
const HTML_SAFE = /["\\\u0000-\u001f<>&\u2028\u2029]/g;
/* oxlint-enable no-control-regex */

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function jsonEscape(text: string, escaped: RegExp): string {
  return text.replace(escaped, (c) => SHORT[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const XML: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "&": "&amp;" };

function percent(text: string, kept: RegExp): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const c = String.fromCharCode(byte);
      return byte < 0x80 && kept.test(c) ? c : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

function formEncode(text: string): string {
  return percent(text, /[A-Za-z0-9*\-._ ]/).replaceAll(" ", "+");
}

/** PowerShell colours the character after "&" in an error, which splits the text there. */
function ampersandParts(text: string): string[] {
  const coloured = text.indexOf("&+");
  const end = coloured >= 0 ? coloured + 2 : text.lastIndexOf("&") + 1;
  if (end === 0) return [];
  return [text.slice(0, end), text.slice(coloured >= 0 ? end + 1 : end)].filter((part) => part.length >= 6);
}
