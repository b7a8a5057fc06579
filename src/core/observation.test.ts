import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { compareUtf8 } from "./canonical.ts";
import { gitBlobOf } from "./digest.ts";
import { listingDigest, pathSetDigest } from "./observation.ts";

// Known answers of docs/soundness.md, computed by an independent implementation.
test("a listing is the digest of its sorted names and types", () => {
  expect(listingDigest(nodeHasher, [["a.js", "file"]])).toBe(
    "sha256:6429f952866891ca7bfc259cb1e8af76bc6fb597d28eddba326eb535b6415b1a",
  );
});

test("a symlink target is digested as the git blob it would be", () => {
  expect(gitBlobOf(nodeHasher, Buffer.from("lib/a.js"))).toBe("git-sha1:9d64ed0490eaac97d2f2413e2dc299ee38d7a6cf");
});

test("U+FF61 sorts before U+10000, as in UTF-8", () => {
  expect(compareUtf8("\uFF61", "\u{10000}")).toBeLessThan(0);
});

test("a path set is the digest of its sorted questions", () => {
  expect(
    pathSetDigest(nodeHasher, [
      { kind: "absent", key: "lib/b.js" },
      { kind: "directory", key: "lib" },
      { kind: "file", key: "lib/a.js" },
      { kind: "symlink", key: "link" },
    ]),
  ).toBe("sha256:e4035e16b0977fa811496a419b5324cd5f7baa05df813e4096ee421fdbdc1ab2");
});
