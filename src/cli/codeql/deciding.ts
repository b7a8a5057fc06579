// Does a stored result hold here, and what did that save?
import { decideScan, type Hit, scanBecause, type ScanDecision } from "../../codeql/decide-scan.ts";
import type { VerdictOptions } from "../../codeql/sarif/verdict.ts";
import type { GitSource } from "../../codeql/git-source.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import { disownScan } from "../../codeql/scan-record.ts";
import { nodeFiles, nodeHasher } from "../../node/ports.ts";
import { effects } from "../wiring.ts";
import { readableFile } from "./files.ts";
import type { ScanShell } from "./shell.ts";

export async function decide(
  shell: ScanShell,
  key: ScanKey,
  git: GitSource,
  tool: VerdictOptions["tool"],
): Promise<ScanDecision> {
  if (!shell.settings.enabled) return scanBecause({ kind: "audit", why: "codeql.enabled: false" });
  return decideScan({
    key,
    event: shell.event,
    options: shell.options,
    records: shell.records,
    store: shell.storePorts.store,
    readFile: (path) => readableFile(shell.checkout, path),
    tool,
    tree: git.unclean.size === 0 ? git.headTree : undefined,
    ports: { clock: effects.clock, random: effects.random, hasher: nodeHasher, files: nodeFiles },
  });
}

/** A hit whose named files contradict the key: nothing of that family is believed any more. */
export async function disownHole(shell: ScanShell, key: ScanKey, decision: ScanDecision): Promise<void> {
  if (decision.kind === "scan" && decision.hole !== undefined) await disownScan(key, shell.storePorts);
}

/** Recorded duration less all that we did instead. */
export function savedMs(hit: Hit, spentMs: number): number {
  return Math.max(0, Math.round(hit.record.result.durationMs - spentMs));
}
