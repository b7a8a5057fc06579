import * as fc from "fast-check";
import { expect, test } from "vitest";
import { squarify } from "./treemap.ts";

test("areas are the weights, nothing overlaps, nothing is outside", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 50, max: 1200 }),
      fc.integer({ min: 50, max: 800 }),
      (unsorted, width, height) => {
        const weights = unsorted.toSorted((a, b) => b - a);
        const rects = squarify(weights, { x: 0, y: 0, width, height });
        const total = weights.reduce((a, b) => a + b, 0);
        for (const [i, r] of rects.entries()) {
          expect(r.width * r.height).toBeCloseTo(((weights[i] ?? 0) / total) * width * height, 3);
          expect(Math.min(r.x, r.y, r.width, r.height)).toBeGreaterThan(-1e-6);
          expect(r.x + r.width).toBeLessThan(width + 1e-6);
          expect(r.y + r.height).toBeLessThan(height + 1e-6);
          for (const s of rects.slice(i + 1)) {
            const overlap =
              Math.max(0, Math.min(r.x + r.width, s.x + s.width) - Math.max(r.x, s.x)) *
              Math.max(0, Math.min(r.y + r.height, s.y + s.height) - Math.max(r.y, s.y));
            expect(overlap).toBeLessThan(1e-3);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("equal weights on a square give squares", () => {
  const rects = squarify([1, 1, 1, 1], { x: 0, y: 0, width: 100, height: 100 });
  expect(rects.every((r) => Math.abs(r.width - 50) < 1e-9 && Math.abs(r.height - 50) < 1e-9)).toBe(true);
});

test("nothing to show, or no room, is no error", () => {
  expect(squarify([], { x: 0, y: 0, width: 10, height: 10 })).toEqual([]);
  expect(squarify([3], { x: 0, y: 0, width: 0, height: 10 })).toEqual([{ x: 0, y: 0, width: 0, height: 0 }]);
});
