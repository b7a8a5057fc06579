import { expect, test } from "vitest";
import { ageText, bytesText, countText, durationText, plural } from "./units.ts";

test("units read as people write them", () => {
  expect([bytesText(12), bytesText(3100), bytesText(999_960), bytesText(1.2e9)]).toEqual([
    "12 bytes",
    "3.1 kB",
    "1.0 MB",
    "1.2 GB",
  ]);
  expect([durationText(210), durationText(59_994), durationText(252_000), durationText(7_500_000)]).toEqual([
    "0.21 s",
    "59.99 s",
    "4 min 12 s",
    "2 h 5 min",
  ]);
  expect([ageText(5_000), ageText(7_200_000), ageText(3 * 86_400_000)]).toEqual(["5 s ago", "2 h ago", "3 days ago"]);
  expect([countText(999), countText(1204), countText(1234567)]).toEqual(["999", "1,204", "1,234,567"]);
  expect([plural(1, "gap"), plural(2, "gap"), plural(2, "directory", "directories")]).toEqual([
    "1 gap",
    "2 gaps",
    "2 directories",
  ]);
});
