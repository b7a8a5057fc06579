// Credential stores in folders that are gone when their test ends, and everything that can be checked of one at rest.
import { chmodSync, cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openFirstKey } from "../secrets/audit-key.ts";
import { auditPath } from "../secrets/audit-log.ts";
import { type AuditProblem, verifyAudit } from "../secrets/audit-verify.ts";
import { readChain } from "../secrets/chain.ts";
import type { NewVersion } from "../secrets/changes.ts";
import { createStore } from "../secrets/create.ts";
import { everyVersionOpens } from "../secrets/rotate-master.ts";
import { inSession, type OpenStore } from "../secrets/session.ts";
import { labContext, setCredentials } from "./secrets-lab.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A store with a key file, in a folder that is gone when the test ends. */
export async function labStore(...versions: readonly NewVersion[]): Promise<string> {
  const folder = join(temporaryFolder(), "store");
  const context = labContext(folder);
  await createStore(context, { provider: "file" });
  if (versions.length > 0) await setCredentials(context, ...versions);
  return folder;
}

export function copyOfStore(from: string): string {
  const folder = join(temporaryFolder(), "store");
  cpSync(from, folder, { recursive: true });
  chmodSync(folder, 0o700);
  return folder;
}

/** Everything that can be checked of a store at rest. */
export async function inspectStore(folder: string): Promise<{
  readonly opened: OpenStore;
  readonly everyValueOpens: boolean;
  readonly problems: readonly AuditProblem[];
}> {
  const opened = await inSession(labContext(folder), (session) => session.open());
  const { state, master } = opened;
  const { problems } = verifyAudit({
    log: readFileSync(auditPath(folder)),
    firstKey: await openFirstKey(master, state.storeId, state.audit, undefined),
    chain: readChain(folder)?.state,
    checkpoints: () => [],
  });
  return { opened, everyValueOpens: everyVersionOpens(state, master), problems };
}
