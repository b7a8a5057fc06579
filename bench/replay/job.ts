// One job at one commit: the plain truth, what `foregone run` decides, and what a traced run read.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { nodeHasher, systemClock, systemRandom } from "../../src/node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../../src/node/store-files.ts";
import type { Digest } from "../../src/core/digest.ts";
import { gapDetail } from "../../src/core/gap.ts";
import { normalisedLines } from "../../src/core/normalise-report.ts";
import { decodeRecord } from "../../src/core/record-codec.ts";
import { readDecisions, type StoredDecision } from "../../src/store/decisions.ts";
import { openStore } from "../../src/store/open.ts";
import type { Commit, History } from "./history.ts";

export interface Job {
  readonly name: string;
  readonly command: string;
  readonly cwd: string;
  /** Of the hand-written path filter, if there is one. */
  readonly globs: readonly string[] | undefined;
}

export interface Truth {
  readonly verdict: "passes" | "fails";
  /** Digest of the normalised report. */
  readonly report: string;
  /** The plain and the traced run agree. */
  readonly stable: boolean;
  readonly plainMs: number;
  /** User and system time of the plain run and all its children. */
  readonly plainCpuMs: number;
  /** What Foregone did: skip, or run with its first reason. */
  readonly decision: "skip" | "run";
  readonly reason: string;
  /** Commit of the record that Foregone reused. */
  readonly provedBy: string | undefined;
  /** Tracked paths that a traced run of this commit read, listed or looked at. */
  readonly reads: ReadonlySet<string>;
  /** Tracked paths whose content it opened: what the founding skipper would have noted. */
  readonly opened: ReadonlySet<string>;
  readonly gaps: readonly string[];
}

const BIN = join(process.cwd(), "bin/foregone");

/** Runs the command as the traced run does and reports the times of all children on descriptor 3, which the command does not get. */
const WITH_TIMES = 'sh -c "$1" 3>&-; status=$?; times >&3; exit $status';

export function runJob(job: Job, history: History, commit: Commit, scratch: string, setup: number): Truth {
  const cwd = join(history.folder, job.cwd);
  const argv = ["sh", "-c", job.command];
  const env = { ...process.env, CI: "true", NO_COLOR: "1" };
  const from = performance.now();
  const plain = spawnSync("sh", ["-c", WITH_TIMES, "sh", job.command], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    maxBuffer: 1 << 28,
  });
  const plainMs = performance.now() - from;
  history.checkout(commit, "");
  const enforced = foregone("enforce", argv, cwd, env, scratch);
  const skipped = enforced.decision?.kind === "skip";
  if (skipped) history.checkout(commit, "");
  // A skip leaves no trace of this commit: its own read set comes from one more run, in a store of its own.
  const traced = skipped ? foregone("record", argv, cwd, env, scratch) : enforced;
  const verdict = plain.status === 0 && setup === 0 ? "passes" : "fails";
  const report = digest(plain);
  const record = traced.record;
  const observations = record?.trace.observations ?? [];
  const workspace = observations.filter(({ key }) => !key.startsWith("/") && !key.startsWith("$"));
  return {
    verdict,
    report,
    stable: (traced.status === 0) === (verdict === "passes") && digest(traced) === report,
    plainMs,
    plainCpuMs: cpuMs(String(plain.output[3])),
    decision: skipped ? "skip" : "run",
    reason: enforced.decision?.misses[0]?.kind ?? "",
    provedBy: enforced.decision?.proof?.commit,
    reads: new Set(workspace.filter(({ kind }) => kind !== "directory").map(({ key }) => key)),
    opened: new Set(workspace.filter(({ kind }) => kind === "file").map(({ key }) => key)),
    gaps:
      record?.trace.gaps.map((gap) => `${gap.kind} ${gapDetail(gap)}`) ?? (traced.status === 0 ? ["no record"] : []),
  };
}

function foregone(
  mode: "enforce" | "record",
  argv: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  scratch: string,
) {
  const root = join(scratch, `store-${mode}`);
  const ran = spawnSync(BIN, ["run", "--quiet", "--mode", mode, "--audit", "0", "--max-age", "3650d", "--", ...argv], {
    cwd,
    env: { ...env, FOREGONE_CACHE_DIR: root },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 28,
  });
  const ports = { hasher: nodeHasher, clock: systemClock, random: systemRandom, files: nodeStoreFiles };
  const { folder } = openStore(ports, { FOREGONE_CACHE_DIR: root }, cwd);
  const log = { files: nodeStoreFiles, path: `${folder.path}/decisions`, maxBytes: 1 << 26 };
  const decision: StoredDecision | undefined = readDecisions(log, 1).decisions[0];
  return { ...ran, decision, record: load(root, decision?.recorded) };
}

function load(root: string, id: Digest | undefined) {
  if (id === undefined) return undefined;
  const hex = id.slice(id.indexOf(":") + 1);
  const found = spawnSync("find", [root, "-type", "f", "-name", `*${hex.slice(4)}`], { encoding: "utf8" }).stdout.split(
    "\n",
  )[0];
  const file = found === undefined || found === "" ? undefined : nodeStoreFiles.read(found, 1 << 28);
  const decoded = file === undefined ? undefined : decodeRecord(file.bytes, nodeDeflate);
  return decoded?.kind === "record" ? decoded.record : undefined;
}

/** @param times what `times` of a POSIX shell prints: its own user and system time, then its children's, as `1m2.34s` */
function cpuMs(times: string): number {
  const parts = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1000 * Number(seconds), 0);
}

function digest({ stdout, stderr }: { readonly stdout: Buffer; readonly stderr: Buffer }): string {
  return nodeHasher.sha256(normalisedLines(`${stdout.toString()}\n${stderr.toString()}`).join("\n"));
}
