import { expect, test } from "vitest";
import { Bans, Breaker, Bucket } from "./breaker.ts";
import { Ewma, Hedges, OriginLatency } from "./budget.ts";

test("the budget is a quarter of what the origin takes, at most 50 ms", () => {
  const origin = new OriginLatency();
  expect(origin.budgetMs).toBe(25);
  origin.note(40);
  expect(origin.budgetMs).toBe(10);
  for (let i = 0; i < 50; i++) origin.note(10_000);
  expect(origin.budgetMs).toBe(50);
});

test("one GET in ten is hedged at most, after three round trips", () => {
  const hedges = new Hedges();
  let hedged = 0;
  for (let i = 0; i < 5000; i++) {
    hedges.noteGet();
    if (hedges.take()) hedged++;
  }
  expect(hedged).toBeGreaterThan(400);
  expect(hedged).toBeLessThanOrEqual(520);
  const rtt = new Ewma();
  expect(Hedges.delayMs(rtt)).toBe(6);
  rtt.note(0.1);
  expect(Hedges.delayMs(rtt)).toBe(2);
});

test("three failures in a row are a rest, doubled up to five minutes; one answer ends it", () => {
  const breaker = new Breaker();
  let now = 0;
  const rests: number[] = [];
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 3; i++) {
      expect(breaker.isResting(now)).toBe(false);
      breaker.failed("time-out", now);
    }
    const rest = breaker.rest(now);
    rests.push(rest?.leftMs ?? 0);
    now += rest?.leftMs ?? 0;
  }
  expect(rests.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
  expect(rests.at(-1)).toBe(300_000);
  breaker.answered();
  breaker.failed("time-out", now);
  breaker.failed("time-out", now);
  expect(breaker.isResting(now)).toBe(false);
});

test("a bucket holds a second's worth and says how long it stays empty", () => {
  const bucket = new Bucket(100, 0);
  expect(bucket.take(100, 0)).toBe(0);
  expect(bucket.take(50, 0)).toBe(500);
  expect(bucket.take(0, 400)).toBeCloseTo(100);
  expect(bucket.take(0, 600)).toBe(0);
  expect(bucket.take(100, 10_000)).toBe(0);
  expect(bucket.take(1, 10_000)).toBe(10);
});

test("bans end by time, and the oldest gives way", () => {
  const bans = new Bans(2);
  bans.add("a", 10);
  expect([bans.has("a", 9), bans.has("a", 10)]).toEqual([true, false]);
  for (const key of ["a", "b", "c"]) bans.add(key, 10);
  expect(["a", "b", "c"].map((key) => bans.has(key, 0))).toEqual([false, true, true]);
});
