import { expect, test } from "vitest";
import { layerLines } from "./layers.ts";

test("each layer is spoken of once for what failed first, and apart for what it gave", () => {
  expect(
    layerLines([
      { type: "failed", layer: "redis", code: "timeout" },
      { type: "failed", layer: "redis", code: "ECONNRESET" },
      { type: "bad-bytes", layer: "s3" },
      { type: "bad-bytes", layer: "s3" },
      { type: "not-believed", layer: "s3", count: 1 },
      { type: "failed", layer: "s3", code: "AccessDenied" },
    ]),
  ).toEqual([
    "redis: no answer in time; went on without it",
    "s3: AccessDenied; went on without it",
    "s3: 2 values damaged or of another secret, not used",
    "s3: 1 entry of this command signed by no key of store.trusted-keys",
  ]);
  expect(layerLines([])).toEqual([]);
});
