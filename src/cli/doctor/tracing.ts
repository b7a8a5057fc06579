// Which observer works here, by trying it, and why not the better one.
import { readFileSync } from "node:fs";
import { arch, platform, release } from "node:os";
import { createRequire } from "node:module";
import { type Chosen, chooseObserver } from "../../trace/choose.ts";
import { unreachable } from "../../core/gap.ts";
import type { Fact } from "./fact.ts";

export async function tracingFacts(): Promise<readonly Fact[]> {
  const chosen = await chooseObserver("auto", { thorough: true });
  const facts = [
    tracing(chosen),
    { status: "ok", name: "kernel", text: kernelText(chosen) } satisfies Fact,
    ffi(chosen),
  ];
  // A tracer that was opened to be tried is not needed.
  chosen.tracer?.close();
  return chosen.tracer === undefined ? facts : [...facts, network(chosen.tracer.facts.dns)];
}

function tracing({ observer, refusals, tracer }: Chosen): Fact {
  const whys = refusals.map(({ backend, why }) => `${backend}: ${why}`).join("; ");
  const hint = refusals.find((r) => r.hint !== undefined)?.hint;
  const mend = hint === undefined ? {} : { mend: hint };
  const detail = { observer: observer.name, refusals, ...(tracer && { by: tracer.by, ...tracer.facts }) };
  switch (observer.name) {
    case "ebpf": {
      const { selfTest, startMs, notices } = tracer?.facts ?? {};
      const done = (selfTest?.done ?? 0) - (selfTest?.missed.length ?? 0);
      const total = (selfTest?.done ?? 0) + (selfTest?.impossible.length ?? 0);
      const text =
        `ebpf (${{ root: "root", sudo: "root by sudo -n", agent: "by the agent of root" }[tracer?.by ?? "root"]}), attached in ${Math.round(startMs ?? 0)} ms, ` +
        `self-test ${done} of ${total}`;
      const impossible = selfTest?.impossible ?? [];
      const also = [...(notices ?? []), ...impossible.map((name) => `${name} is not possible here`)];
      return { status: "ok", name: "tracing", text: [text, ...also].join("; "), detail };
    }
    case "notify":
      return { status: "note", name: "tracing", text: `notify (${whys}); no whole jobs`, ...mend, detail };
    case "none":
      return {
        status: "note",
        name: "tracing",
        text: `none (${whys}): only the exact tree is reused`,
        ...mend,
        detail,
      };
    default:
      return unreachable(observer.name);
  }
}

function kernelText({ tracer }: Chosen): string {
  const parts = [`${release()} ${arch()}`];
  if (tracer !== undefined) {
    const { selfTest, uringDecoded } = tracer.facts;
    parts.push(uringDecoded ? "io_uring decoded" : "io_uring is a gap");
    parts.push(selfTest.impossible.includes("i386 open") ? "no i386" : "i386 decoded");
  }
  const preemption = preemptionMode();
  if (preemption !== undefined) parts.push(`preemption ${preemption}`);
  return parts.join(", ");
}

function ffi({ refusals }: Chosen): Fact {
  const trouble = refusals.find((r) => r.why.startsWith("no FFI") || r.why.startsWith("no sound observer"));
  if (trouble !== undefined) return { status: "note", name: "ffi", text: trouble.why };
  return { status: "ok", name: "ffi", text: `koffi ${koffiVersion()} ${platform()}-${arch()}` };
}

function network(dns: boolean): Fact {
  return dns
    ? { status: "ok", name: "network", text: "DNS names yes (cgroup v2)" }
    : { status: "note", name: "network", text: "DNS names no (no cgroup v2 root): rules must name addresses" };
}

/** "none voluntary (full)" -> "full"; only root may look. */
function preemptionMode(): string | undefined {
  try {
    return /\((\w+)\)/.exec(readFileSync("/sys/kernel/debug/sched/preempt", "latin1"))?.[1];
  } catch {
    return undefined;
  }
}

function koffiVersion(): string {
  try {
    // Not its package.json: that is no export.
    return (createRequire(import.meta.url)("koffi") as { version?: string }).version ?? "";
  } catch {
    return "";
  }
}
