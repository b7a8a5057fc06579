// What a back end says of itself, as gaps: whatever it lost may have been an input (docs/soundness.md).
import type { Gap } from "../../core/gap.ts";
import type { Seal } from "../event.ts";

/** Counters that mean a path is unknown rather than an event. */
const PATHS = new Set(["fault", "deep"]);

export function sealGaps(seal: Seal | undefined): Gap[] {
  if (seal === undefined)
    return [{ kind: "events-lost", count: 0, what: "no seal: the observer did not reach the end" }];
  const gaps: Gap[] = [];
  for (const [counter, count] of Object.entries(seal.lost)) {
    if (count === 0) continue;
    if (PATHS.has(counter))
      gaps.push({ kind: "unresolved-path", path: `${count} paths that could not be read (${counter})` });
    else if (counter === "uring") gaps.push({ kind: "io-uring", pid: 0 });
    else gaps.push({ kind: "events-lost", count, what: counter });
  }
  for (const { comm } of seal.alive)
    gaps.push({ kind: "untraced-process", argv0: `${comm}, still running at the end` });
  return gaps;
}
