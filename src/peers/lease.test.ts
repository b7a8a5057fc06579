import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Leases, leaseMs, MAX_WAITERS } from "./lease.ts";

function counted(): Leases<string> {
  let n = 0;
  return new Leases<string>(() => `t${++n}`);
}

test("the first gets the lease, the others wait, the value ends both", () => {
  const leases = counted();
  expect(leases.ask("k", "a", 1, 100, 0)).toEqual({ kind: "lease", token: "t1", leftMs: 1000 });
  expect(leases.ask("k", "b", 3, 100, 40)).toEqual({ kind: "wait", ageMs: 40, leftMs: 960 });
  expect(leases.fulfilled("k")).toEqual([{ who: "b", request: 3 }]);
  expect(leases.size).toBe(0);
});

test("a holder that goes, gives up or hangs passes the lease to who waited longest", () => {
  for (const end of ["gone", "released", "lapsed"] as const) {
    const leases = counted();
    leases.ask("k", "a", 1, 100, 0);
    leases.ask("k", "b", 3, 100, 1);
    leases.ask("k", "c", 5, 100, 2);
    const passed =
      end === "gone"
        ? leases.gone("a", 10)
        : end === "lapsed"
          ? leases.lapsed(1000)
          : [leases.released("k", "a", "t1", 10)];
    expect(passed, end).toMatchObject([{ who: "b", request: 3, token: "t2" }]);
    expect(leases.fulfilled("k")).toEqual([{ who: "c", request: 5 }]);
  }
});

test("only the holder's own token releases", () => {
  const leases = counted();
  leases.ask("k", "a", 1, 100, 0);
  leases.ask("k", "b", 3, 100, 0);
  expect(leases.released("k", "b", "t1", 1)).toBeUndefined();
  expect(leases.released("k", "a", "t9", 1)).toBeUndefined();
  expect(leases.ask("k", "c", 1, 100, 2)).toMatchObject({ kind: "wait" });
});

test("who gave up waiting is not given the lease", () => {
  const leases = counted();
  leases.ask("k", "a", 1, 100, 0);
  leases.ask("k", "b", 3, 100, 0);
  leases.gaveUp("k", "b", 3);
  expect(leases.gone("a", 1)).toEqual([]);
});

test("a hoarder gets a bounded number of leases, and more waiters than the bound go on alone", () => {
  const leases = counted();
  const kinds = Array.from({ length: 1025 }, (_, n) => leases.ask(`k${n}`, "hoarder", n, 100, 0).kind);
  expect(kinds.filter((kind) => kind === "lease")).toHaveLength(1024);
  expect(leases.ask("other", "honest", 1, 100, 0).kind).toBe("lease");
  for (let n = 0; n < MAX_WAITERS; n++) leases.ask("other", `w${n}`, 1, 100, 0);
  expect(leases.ask("other", "late", 1, 100, 0).kind).toBe("none");
});

test("a lease lasts between 1 and 5 seconds", () => {
  expect([1, 400, 600, 1e9].map(leaseMs)).toEqual([1000, 1000, 1200, 5000]);
});

test("whatever happens in whatever order, a key has one holder at a time", () => {
  const step = fc.record({
    do: fc.constantFrom("ask", "release", "gone", "put", "pass"),
    who: fc.constantFrom("a", "b", "c", "d"),
    key: fc.constantFrom("k", "l"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const leases = counted();
      const held = new Map<string, { who: string; token: string }>();
      const end = new Map<string, number>();
      let now = 0;
      let request = 0;
      const granted = (key: string, who: string, token: string, leftMs: number): void => {
        const before = held.get(key);
        expect(before === undefined || before.who === who || (end.get(key) ?? 0) <= now).toBe(true);
        held.set(key, { who, token });
        end.set(key, now + leftMs);
      };
      const passedOn = (passed: readonly { who: string; token: string; leftMs: number }[], key?: string): void => {
        for (const { who, token, leftMs } of passed) granted(key ?? "?", who, token, leftMs);
      };
      for (const { do: what, who, key } of steps) {
        now += 150;
        if (what === "ask") {
          const answer = leases.ask(key, who, ++request, 100, now);
          if (answer.kind === "lease") granted(key, who, answer.token, answer.leftMs);
        } else if (what === "release") {
          const own = held.get(key);
          if (own?.who !== who) continue;
          held.delete(key);
          const next = leases.released(key, who, own.token, now);
          passedOn(next === undefined ? [] : [next], key);
        } else if (what === "put") {
          held.delete(key);
          leases.fulfilled(key);
        } else if (what === "gone") {
          for (const [k, own] of held) if (own.who === who) held.delete(k);
          // Both keys may pass at once; who got which is told by the next answers.
          if (leases.gone(who, now).length > 0) held.clear();
        } else if (leases.lapsed(now).length > 0) held.clear();
      }
    }),
    { numRuns: 500 },
  );
});
