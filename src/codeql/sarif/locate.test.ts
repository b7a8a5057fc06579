import { expect, test } from "vitest";
import { locate } from "./locate.ts";

const ROOT = "file:///home/runner/work/a%20b/";
const run = {
  artifacts: [{ location: { uri: "src/x.c" } }, { location: { uri: "file:///etc/passwd" } }],
  originalUriBaseIds: {
    REPO: { uri: "file:///home/runner/work/a%20b/" },
    SRC: { uri: "src/", uriBaseId: "REPO" },
    SLASH: { uri: "file:///" },
    LOOP: { uriBaseId: "LOOP", uri: "l/" },
  },
};

test.each([
  [{ uri: "src/a.c" }, "src/a.c"],
  [{ uri: "./src//a.c" }, "src/a.c"],
  [{ uri: "." }, ""],
  [{ uri: "src\\a.c" }, "src/a.c"],
  [{ uri: "a%20b.c" }, "a b.c"],
  [{ uri: "100%.c" }, "100%.c"],
  [{ uri: "x/../a.c" }, "a.c"],
  [{ uri: "file:///home/runner/work/a%20b/lib/y.js" }, "lib/y.js"],
  [{ uri: "file:////home/runner/work/a%20b/lib/y.js" }, "lib/y.js"],
  [{ uri: "file:///home/runner/work/a%20b" }, ""],
  [{ uri: "/home/runner/work/a b/lib/y.js" }, "lib/y.js"],
  [{ uri: "io/k.c", uriBaseId: "SRC" }, "src/io/k.c"],
  [{ uri: "main.tf", uriBaseId: "SLASH" }, "main.tf"],
  [{ uri: "main.tf", uriBaseId: "UNKNOWN" }, "main.tf"],
  [{ index: 0 }, "src/x.c"],
])("locate() finds %j inside the checkout", (location, path) => {
  expect(locate(location, run, ROOT)).toEqual({ kind: "inside", path });
});

test.each([
  { uri: "../x" },
  { uri: "a/../../x" },
  { uri: "..\\x" },
  { uri: "%2e%2e/x" },
  { uri: "file:///home/runner/work/a%20bc/x" },
  { uri: "file://host/share/x" },
  { uri: "https://example.org/x" },
  { uri: "/.github/x.yml" },
  { uri: "C:\\Windows\\x" },
  { uri: "\\\\host\\x" },
  { index: 1 },
])("locate() sees that %j is outside", (location) => {
  expect(locate(location, run, ROOT).kind).toBe("outside");
});

test("locate() says nowhere for locations without a URI, and ends in a circle of bases", () => {
  for (const location of [undefined, null, 7, {}, { index: -1 }, { index: 9 }, { uri: "a\0b" }])
    expect(locate(location, run, ROOT), JSON.stringify(location)).toEqual({ kind: "nowhere" });
  expect(locate({ uri: "x", uriBaseId: "LOOP" }, run, ROOT)).toMatchObject({ kind: "inside" });
});

test("locate() knows Windows drives in either case", () => {
  expect(locate({ uri: "file:///c:/work/r/a.cs" }, {}, "file:///C:/work/r/")).toEqual({ kind: "inside", path: "a.cs" });
  expect(locate({ uri: "C:\\work\\r\\a.cs" }, {}, "file:///C:/work/r/")).toEqual({ kind: "inside", path: "a.cs" });
});

test("locate() without a checkout takes every absolute URI for outside", () => {
  expect(locate({ uri: "file:///a/b" }, {}, undefined).kind).toBe("outside");
});
