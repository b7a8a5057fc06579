// Scans that other runners recorded: the Actions cache and artifacts below this machine's disk, under the rules of who may serve
// whom (producer-trust.ts). Records of the disk stay under the rules of the scan cache itself.
import { effects, storedRecords } from "../cli/wiring.ts";
import type { ScanShell } from "../cli/codeql/shell.ts";
import { VERSION } from "../cli/version.ts";
import type { ScanKey } from "../codeql/scan-key.ts";
import type { Digest } from "../core/digest.ts";
import { nodeFetch } from "../node/fetch.ts";
import { nodeDeflate } from "../node/store-files.ts";
import type { EpochMs } from "../ports.ts";
import type { Host } from "./host.ts";
import { openRemoteRecords, REMOTE_LAYERS, type RemoteRecords } from "./remote-records.ts";
import { type RunContext, runContextOf } from "./run-context.ts";

export interface FarScans {
  readonly context: RunContext;
  readonly records: RemoteRecords;
}

/** @returns undefined where the runner does not say who this job is, or `store: disk` */
export function farScans(host: Host, shell: ScanShell): FarScans | undefined {
  if (host.input("store") === "disk") return undefined;
  const context = runContextOf(host.env, shell.payload, { token: host.input("github-token") });
  if ("why" in context) {
    host.log(`only scans of this machine are found: ${context.why}`);
    return undefined;
  }
  const { clock, random, hasher, runner } = effects;
  const records = openRemoteRecords({
    context,
    level: shell.options.trust,
    layers: REMOTE_LAYERS,
    mode: "step",
    tool: `foregone ${VERSION}`,
    workspace: shell.checkout,
    effects: { fetch: nodeFetch, clock, random, hasher, deflate: nodeDeflate, runner, onEvent: () => undefined },
  });
  return { context, records };
}

/** The shell as it decides: reads go beyond the disk, what it writes stays there. */
export function readingFar(shell: ScanShell, far: FarScans | undefined): ScanShell {
  if (far === undefined) return shell;
  const store = far.records.over(shell.storePorts.store);
  return {
    ...shell,
    storePorts: { ...shell.storePorts, store },
    records: {
      ...storedRecords(store),
      further: far.records.further,
      distrust: async (record, claim) =>
        claim.entry.via === undefined ? undefined : far.records.distrust(record, claim),
    },
  };
}

/** One line for each layer that did not take it. */
export async function publishScan(
  host: Host,
  shell: ScanShell,
  far: FarScans | undefined,
  key: ScanKey,
  record: Digest,
): Promise<void> {
  if (far === undefined || far.context.rule.noRecord !== undefined) return;
  // The family's own entry explains misses elsewhere.
  const published = await far.records.publish(shell.storePorts.store, [{ weak: key.weak, record, label: key.family }]);
  for (const { layer, why } of published)
    host.log(why === undefined ? `post: published to ${layer}` : `post: not published to ${layer}: ${why}`);
}

/** After a result that contradicts what is recorded: nobody is to be served by it any more, wherever it lies. */
export async function disownFar(
  far: FarScans | undefined,
  key: Pick<ScanKey, "weak" | "family">,
  at: EpochMs,
): Promise<void> {
  if (far === undefined) return;
  for (const weak of [key.weak, key.family]) await far.records.disown(weak, at);
}
