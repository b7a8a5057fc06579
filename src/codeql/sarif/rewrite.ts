// A stored log made to speak of another commit: category, revision, checkout. Everything the tool found, and the order of
// keys, stays. Doing it twice is doing it once, but for the new guids.
import type { Log, Run } from "sarif";
import { moveUri } from "./normalise.ts";

export interface Target {
  /** As given to `upload-sarif`; the id of the run becomes this and a slash. */
  readonly category: string;
  readonly commit: string;
  /** "refs/heads/main" */
  readonly ref: string;
  /** "https://github.com/owner/repo": whose provenance entries are rewritten, if there are several. */
  readonly repositoryUri?: string | undefined;
  /** "file:///home/runner/work/a/a/" here, and where the scan ran. */
  readonly checkoutUri: string;
  readonly scannedCheckoutUri?: string | undefined;
  /** What a reader of the log should know of its origin. */
  readonly replay: Replayed;
  /** A fresh UUID for each call. */
  readonly uuid: () => string;
}

/** Kept in `run.properties["foregone/replay"]`. */
export interface Replayed {
  readonly commit: string | null;
  readonly run: string | null;
  readonly key: string;
  /** When the scan was recorded: ISO 8601. */
  readonly recordedAt: string;
}

export const REPLAY_PROPERTY = "foregone/replay";

/** @param log normalised; it is changed */
export function rewrite(log: Log, target: Target): void {
  for (const run of log.runs) {
    run.automationDetails = {
      ...run.automationDetails,
      id: target.category.endsWith("/") ? target.category : `${target.category}/`,
      guid: target.uuid(),
    };
    delete run.automationDetails.correlationGuid;
    delete run.baselineGuid;
    rewriteProvenance(run, target);
    rewriteCheckout(run, target);
    const exported = run.conversion?.tool.driver.name === "GitHub Code Scanning";
    if (exported) delete run.conversion;
    for (const result of run.results ?? []) {
      delete result.baselineState;
      if (!exported) continue;
      delete result.correlationGuid;
      delete result.properties?.["github/alertNumber"];
      delete result.properties?.["github/alertUrl"];
    }
    run.properties = {
      ...run.properties,
      ...(run.properties?.["jobRunUuid"] !== undefined && { jobRunUuid: target.uuid() }),
      [REPLAY_PROPERTY]: target.replay,
    };
  }
}

function rewriteProvenance(run: Run, { commit, ref, repositoryUri }: Target): void {
  const entries = run.versionControlProvenance ?? [];
  for (const entry of entries) {
    // Further entries are other repositories (submodules): their revisions did not move.
    if (entries.length > 1 && entry.repositoryUri !== repositoryUri) continue;
    entry.revisionId = commit;
    entry.branch = ref;
  }
}

function rewriteCheckout(run: Run, { checkoutUri, scannedCheckoutUri }: Target): void {
  const move = (uri: string): string =>
    scannedCheckoutUri === undefined ? uri : moveUri(uri, scannedCheckoutUri, checkoutUri);
  for (const base of Object.values(run.originalUriBaseIds ?? {})) if (base.uri !== undefined) base.uri = move(base.uri);
  const source = run.originalUriBaseIds?.["%SRCROOT%"];
  if (source?.uri !== undefined) source.uri = checkoutUri;
  for (const { workingDirectory } of run.invocations ?? [])
    if (workingDirectory?.uri !== undefined) workingDirectory.uri = move(workingDirectory.uri);
}
