// A new audit log for a store whose old one can no longer be used: an owner's last resort, so that a broken log does not lock the
// credentials away for ever. The old log is kept aside, and the new one begins by naming it.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { sealFirstKey } from "./audit-key.ts";
import { encodeLine } from "./audit-line.ts";
import { after, auditPath, newChain } from "./audit-log.ts";
import { MAX_LOG_BYTES } from "./audit-read.ts";
import { chainPath, createChain } from "./chain.ts";
import { checkpointKey } from "./checkpoint.ts";
import { readPrivate, writeNew } from "./disk.ts";
import { currentKey, type StoreState } from "./model.ts";
import { KEY_BYTES } from "./seal.ts";
import { inSession, nowSeconds, type SessionContext, STORE_FILE } from "./session.ts";
import { MAX_STORE_BYTES } from "./store-file.ts";

/**
 * @param state as it lies there, authenticated by its key; whose word this is: the owner's
 * @returns name of the old log
 */
export async function restartAudit(context: SessionContext, state: StoreState, master: Buffer): Promise<string> {
  const { folder, disk, random, clock } = context;
  const now = nowSeconds(clock);
  const aside = `audit.log.damaged-${now}`;
  const old = readPrivate(auditPath(folder), MAX_LOG_BYTES);
  const store = readPrivate(join(folder, STORE_FILE), MAX_STORE_BYTES) ?? Buffer.alloc(0);
  const firstKey = Buffer.from(random.bytes(KEY_BYTES));
  const { kid, provider } = currentKey(state);
  const chain = newChain(firstKey);
  const { line, bytes } = encodeLine(chain.key, 0, now, chain.prev, {
    action: "init",
    settings: {
      restarted: aside,
      oldLog: createHash("sha256")
        .update(old ?? "")
        .digest("hex"),
      provider,
      kid,
      storeId: state.storeId,
      verifyKey: "sealed",
      checkpointKey: checkpointKey(master, state.storeId).publicText,
    },
    store: { generation: state.generation, sha256: createHash("sha256").update(store).digest("hex") },
  });
  if (old !== undefined) disk.rename(auditPath(folder), join(folder, aside));
  disk.remove(chainPath(folder));
  writeNew(disk, auditPath(folder), Buffer.concat([bytes, Buffer.from("\n")]));
  createChain(disk, folder, after(chain, line, bytes));
  disk.syncFolder(folder);
  // The store must name the new log's first key. Killed before this, `doctor --fix` begins again.
  await inSession(context, async (session) => {
    const from = await session.open();
    const sealed = sealFirstKey(random, master, state.storeId, firstKey);
    session.commit(from, {
      state: { ...from.state, audit: { verifyKey: "sealed", firstKey: sealed } },
      events: [{ action: "restarted", detail: `the old audit log is ${aside}` }],
    });
  });
  return aside;
}
