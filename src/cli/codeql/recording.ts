// A scan that ran: compared with what is recorded of it, then recorded itself.
import { admit, type Admitted } from "../../codeql/admit.ts";
import { compareWithRecorded, type Comparison } from "../../codeql/audit-scan.ts";
import { eventDetail, eventRule } from "../../codeql/events.ts";
import type { GitSource } from "../../codeql/git-source.ts";
import type { VerdictOptions } from "../../codeql/sarif/verdict.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import { appendScan, disownScan } from "../../codeql/scan-record.ts";
import type { Json } from "../../core/canonical.ts";
import type { Digest } from "../../core/digest.ts";
import type { Gap } from "../../core/gap.ts";
import { nodeHasher } from "../../node/ports.ts";
import { secretSearch } from "../secret-values.ts";
import { VERSION } from "../version.ts";
import { readableFile } from "./files.ts";
import { type ScanShell, scanName } from "./shell.ts";

export interface ScanToRecord {
  readonly key: ScanKey;
  readonly before: GitSource;
  readonly after: GitSource;
  readonly bytes: Uint8Array;
  readonly tool: VerdictOptions["tool"];
  readonly durationMs: number;
  readonly exitCode: number;
  /** GitHub's number of the job's check run. */
  readonly checkRun?: string | undefined;
  readonly output?: Uint8Array;
  readonly seal?: Readonly<Record<string, Json>>;
  readonly gaps?: readonly Gap[];
}

export type Recorded =
  | {
      readonly kind: "stored";
      readonly id: Digest;
      readonly admitted: Extract<Admitted, { kind: "admitted" }>;
      readonly comparison: Comparison;
    }
  | { readonly kind: "refused"; readonly code: string; readonly detail: string };

/** Compares a scan that ran with what is recorded of it, and records it, if the event and the log allow. */
export async function recordScan(shell: ScanShell, scan: ScanToRecord): Promise<Recorded> {
  const { key } = scan;
  const rule = eventRule(shell.event);
  const name = scanName(key);
  const refuse = (code: string, detail: string): Recorded => {
    shell.log({ kind: "refused", scan: name, key: key.weak, reason: code });
    return { kind: "refused", code, detail };
  };
  if (!shell.settings.enabled) return refuse("disabled", "codeql.enabled: false");
  if (rule.noStore !== undefined) return refuse("event", rule.noStore);
  const admitted = admit({
    ...scan,
    checkoutUri: shell.checkoutUri,
    maxBytes: shell.options.maxSarifBytes,
    readFile: (path) => readableFile(shell.checkout, path),
    hasher: nodeHasher,
  });
  if (admitted.kind === "refused") return refuse(admitted.reasons[0]?.code ?? "", admitted.reasons[0]?.detail ?? "");
  const comparison = await compareWithRecorded(key, admitted.log, {
    records: shell.records,
    store: shell.storePorts.store,
  });
  // What the key calls equal is not: nothing recorded before this may serve again.
  const disownedAt = comparison.kind === "differs" ? await disownScan(key, shell.storePorts) : undefined;
  if (comparison.kind !== "none")
    shell.log({ kind: comparison.kind === "same" ? "audit-same" : "false-skip", scan: name, key: key.weak });
  const { env } = shell.context;
  const search = (await secretSearch(env))?.();
  for (const bytes of [scan.bytes, scan.output]) if (bytes !== undefined) search?.write(bytes);
  if (search?.found === true) return refuse("credential", "a credential of this job in what it wrote");
  const { id } = await appendScan(
    key,
    {
      ...admitted,
      gaps: scan.gaps ?? [],
      durationMs: scan.durationMs,
      checkoutUri: shell.checkoutUri,
      exitCode: scan.exitCode,
      ...(scan.output !== undefined && { output: scan.output }),
      provenance: {
        tool: `foregone ${VERSION}`,
        repository: shell.repository,
        commit: scan.before.head,
        ...(scan.before.unclean.size === 0 && { tree: scan.before.headTree }),
        ...present("workflow", env["GITHUB_WORKFLOW"]),
        ...present("job", env["GITHUB_JOB"]),
        ...present("runId", env["GITHUB_RUN_ID"]),
        ...(/^[1-9]\d*$/.test(env["GITHUB_RUN_ATTEMPT"] ?? "") && { runAttempt: Number(env["GITHUB_RUN_ATTEMPT"]) }),
        ...present("checkRun", scan.checkRun),
        ...present("event", shell.event.name || undefined),
        ...present("ref", shell.event.ref || undefined),
      },
      seal: { ...eventDetail(shell.event), ...scan.seal },
    },
    shell.storePorts,
    disownedAt === undefined ? 0 : disownedAt + 1,
  );
  shell.log({ kind: "stored", scan: name, key: key.weak, commit: scan.before.head });
  return { kind: "stored", id, admitted, comparison };
}

function present<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: string };
}
