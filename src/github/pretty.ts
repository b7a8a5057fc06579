// GitHub indents JSON for people: when the user agent names curl, Wget, Safari or Firefox, and after the tag was made. We ask
// in other words (the bytes then fit the tag) and indent here, because scripts do `curl ... | grep '"tag_name": '`.

const PEOPLE = /curl|Wget|Safari|Firefox/;

export function wantsIndented(userAgent: string | undefined): boolean {
  return userAgent !== undefined && PEOPLE.test(userAgent);
}

/** The same user agent in a spelling that GitHub does not indent for. */
export function plainUserAgent(userAgent: string): string {
  return userAgent.replaceAll(new RegExp(PEOPLE, "g"), (word) =>
    word === word.toLowerCase() ? word.toUpperCase() : word.toLowerCase(),
  );
}

/** Indents JSON by two blanks without touching a value: numbers and strings keep their bytes. */
export function indent(body: Uint8Array): Buffer {
  // latin1: one character a byte, so UTF-8 sequences pass through as they are.
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  let out = "";
  let depth = 0;
  let opened = false;
  const line = (): string => `\n${"  ".repeat(depth)}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^\s"[\]{},:]+|["[\]{},:]/gs)) {
    const closes = token === "}" || token === "]";
    if (closes) depth = Math.max(0, depth - 1);
    // An empty list is "[", an empty line, "]", as GitHub writes it.
    if (opened) out += closes ? `\n${line()}` : line();
    else if (closes) out += line();
    opened = token === "{" || token === "[";
    if (opened) depth++;
    out += token;
    if (token === ",") out += line();
    else if (token === ":") out += " ";
  }
  return Buffer.from(`${out}\n`, "latin1");
}
