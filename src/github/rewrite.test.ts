import * as fc from "fast-check";
import { expect, test } from "vitest";
import { indent, plainUserAgent, wantsIndented } from "./pretty.ts";
import { rewriteAddress, rewriteJson, rewriteLink, rewriteStream } from "./rewrite.ts";

const FROM = "https://api.github.com";
const TO = "http://127.0.0.1:41873";

function rewritten(text: string): string {
  return rewriteJson(Buffer.from(text), FROM, TO).toString();
}

/** The rule by a parser: every string field named url, href or *_url that lies below the root. */
function byParser(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byParser);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (typeof field === "string" && /^(?:url|href|\w*_url)$/.test(name)) {
        const rest = field.startsWith(FROM) ? field.slice(FROM.length) : undefined;
        if (rest !== undefined && (rest === "" || /^[/?{]/.test(rest))) return [name, TO + rest];
      }
      return [name, byParser(field)];
    }),
  );
}

test("addresses in url fields change, user text and other hosts do not, big ids keep their digits", () => {
  const body = `{"id":12345678901234567890,"url":"${FROM}/repos/o/r","html_url":"https://github.com/o/r","labels_url":"${FROM}/repos/o/r/labels{/name}","body":"see \\"url\\":\\"${FROM}/x\\"","self":"${FROM}/y","root":{"href":"${FROM}"},"evil_url":"${FROM}.evil.example/"}`;
  expect(rewritten(body)).toBe(
    `{"id":12345678901234567890,"url":"${TO}/repos/o/r","html_url":"https://github.com/o/r","labels_url":"${TO}/repos/o/r/labels{/name}","body":"see \\"url\\":\\"${FROM}/x\\"","self":"${FROM}/y","root":{"href":"${TO}"},"evil_url":"${FROM}.evil.example/"}`,
  );
});

const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    FROM,
    `${FROM}/a`,
    `${FROM}.x/`,
    `${FROM}?a`,
    `${FROM}{x}`,
    `","url":"${FROM}/`,
    `{"url":"${FROM}/`,
    "\\",
    '"',
    ',"',
  ),
);
const name = fc.oneof(fc.string(), fc.constantFrom("url", "a_url", "href", "curl", "_url", "url\\", 'x","url'));
const document = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, text, fc.integer(), fc.constant(null), tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(name, tie("value"), { maxKeys: 5 }),
})).value;

test("rewriting by bytes equals rewriting by a parser", () => {
  fc.assert(
    fc.property(document, (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as unknown;
      expect(rewritten(JSON.stringify(plain))).toBe(JSON.stringify(byParser(plain)));
    }),
    { numRuns: 500 },
  );
});

test("a stream is rewritten as the whole is, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(document, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (value, cuts) => {
      const body = Buffer.from(JSON.stringify(JSON.parse(JSON.stringify(value))));
      const stream = rewriteStream(FROM, TO);
      const out: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => out.push(chunk));
      for (let at = 0, i = 0; at < body.length; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        stream.write(body.subarray(at, at + size));
        at += size;
      }
      stream.end();
      await new Promise((resolve) => stream.once("end", resolve));
      expect(Buffer.concat(out).toString()).toBe(rewriteJson(body, FROM, TO).toString());
    }),
    { numRuns: 100 },
  );
});

test("Link and Location follow", () => {
  expect(rewriteLink(`<${FROM}/x?page=2>; rel="next", <https://other/${FROM}/>; rel="last"`, FROM, TO)).toBe(
    `<${TO}/x?page=2>; rel="next", <https://other/${FROM}/>; rel="last"`,
  );
  expect(rewriteAddress(`${FROM}/repositories/1`, FROM, TO)).toBe(`${TO}/repositories/1`);
  expect(rewriteAddress(`${FROM}.evil/x`, FROM, TO)).toBe(`${FROM}.evil/x`);
});

test("indenting keeps every value and its bytes", () => {
  fc.assert(
    fc.property(document, (value) => {
      const compact = JSON.stringify(value);
      expect(JSON.parse(indent(Buffer.from(compact)).toString())).toEqual(JSON.parse(compact));
    }),
  );
  expect(indent(Buffer.from('{"a":[],"b":{"c":12345678901234567890,"d":"x: ✓"}}')).toString()).toBe(
    '{\n  "a": [\n\n  ],\n  "b": {\n    "c": 12345678901234567890,\n    "d": "x: ✓"\n  }\n}\n',
  );
});

test("a user agent that would be indented for is spelled otherwise", () => {
  expect(wantsIndented("curl/7.88.1")).toBe(true);
  expect(plainUserAgent("curl/7.88.1")).toBe("CURL/7.88.1");
  expect(wantsIndented(plainUserAgent("Mozilla/5.0 Safari/537 Wget"))).toBe(false);
  expect(wantsIndented("octokit-rest.js/22")).toBe(false);
});
