// One regression case: a tiny repository, a command that is recorded, a change, and what must be decided then.
import { describe, expect, test } from "vitest";
import { type Decided, decideCommand } from "../../src/memo/memo.ts";
import type { SkipOptions } from "../../src/memo/options.ts";
import { missText } from "../../src/report/misses.ts";
import { Sandbox, verdictOf } from "../../src/testing/sandbox.ts";
import { observerOrReason, tracedRun } from "../../src/testing/traced.ts";

export interface Case {
  readonly name: string;
  readonly setUp: (box: Sandbox) => void;
  /** Through `sh -c`, or an argv. */
  readonly command: string | readonly string[];
  readonly options?: Partial<SkipOptions>;
  readonly change: (box: Sandbox) => void;
  /** How `verdictOf` begins: "skip", "changed file a", "gap untraced-network"; "run" stands for any miss. */
  readonly expect: string;
  /** Where this back end is stricter, which is allowed: it may run where the other skips. */
  readonly notify?: string;
  /** Why it cannot run here; undefined: it can. */
  readonly needs?: () => string | undefined;
  readonly git?: boolean;
  /** A command of this kind is not recorded at all. */
  readonly unrecorded?: true;
}

export function corpus(title: string, cases: readonly Case[]): void {
  describe.each(["ebpf", "notify"] as const)(`${title}, on %s`, (backend) => {
    for (const item of cases)
      test(item.name, async (context) => {
        const observer = await observerOrReason(backend);
        if (typeof observer === "string") return context.skip(observer);
        const reason = item.needs?.();
        if (reason !== undefined) return context.skip(reason);
        using box = new Sandbox(item.git ?? true);
        box.options = { ...box.options, ...item.options };
        item.setUp(box);
        if (item.git ?? true) box.commit();
        const argv = typeof item.command === "string" ? ["sh", "-c", item.command] : item.command;
        const executed = await tracedRun(box, observer, argv);
        expect(executed.recording.kind, JSON.stringify(executed.exit)).toBe(
          item.unrecorded ? "not-recorded" : "recorded",
        );
        item.change(box);
        const decided = await decideCommand({ ...box.parts(argv), backend });
        const verdict = verdictOf(decided);
        const expected = backend === "notify" ? (item.notify ?? item.expect) : item.expect;
        if (expected === "run") expect(verdict).not.toMatch(/^skip/);
        else if (!verdict.startsWith(expected)) expect.fail(`${verdict}, not ${expected}: ${whyOf(decided)}`);
      });
  });
}

function whyOf({ verdict: { decision } }: Decided): string {
  return decision.kind === "skip" ? decision.basis : decision.misses.map(missText).join("; ").slice(0, 500);
}
