// A new store, made whole beside its place and moved there in one rename: killed before, there is none; after, there is one.
import { createHash } from "node:crypto";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { ForegoneError } from "../core/errors.ts";
import { ageEncrypt } from "./age.ts";
import { sealFirstKey } from "./audit-key.ts";
import { encodeLine } from "./audit-line.ts";
import { after, auditPath, newChain } from "./audit-log.ts";
import { createChain } from "./chain.ts";
import { checkpointKey } from "./checkpoint.ts";
import { isPrivateFolder, writeNew } from "./disk.ts";
import { commitment } from "./keys.ts";
import type { KeyProvider, StoreState } from "./model.ts";
import { KEY_BYTES } from "./seal.ts";
import { nowSeconds, type SessionContext, STORE_FILE } from "./session.ts";
import { encodeStore } from "./store-file.ts";

export interface CreateOptions {
  readonly provider: KeyProvider;
  /** age recipient of the auditor. Without it M's holder can verify the audit log, and forge it. */
  readonly auditRecipient?: string;
}

/** @throws ForegoneError E_STORE if anything is in the folder already: a store is never written over */
export async function createStore(context: SessionContext, options: CreateOptions): Promise<StoreState> {
  const { folder, disk, random } = context;
  assertEmpty(folder);
  fs.mkdirSync(dirname(folder), { recursive: true });
  const draft = `${folder}.init-${hex(random.bytes(4))}`;
  fs.mkdirSync(draft, { mode: 0o700 });
  try {
    const source = context.source(options.provider, draft);
    const kid = "k1";
    const master = (await source.offered?.(kid, undefined)) ?? Buffer.from(random.bytes(KEY_BYTES));
    const kc = commitment(master, kid).toString("hex");
    await source.keep?.({ kid, kc }, master);
    const firstKey = Buffer.from(random.bytes(KEY_BYTES));
    const state: StoreState = {
      ...(await firstState(context, options, master, firstKey)),
      keys: [{ kid, kc, provider: options.provider, seals: 1, state: "current" }],
    };
    const store = encodeStore(random, master, state);
    writeNew(disk, join(draft, STORE_FILE), store);
    writeFirstLine(context, draft, firstKey, {
      provider: options.provider,
      kid,
      storeId: state.storeId,
      verifyKey: state.audit.verifyKey,
      checkpointKey: checkpointKey(master, state.storeId).publicText,
      sha256: createHash("sha256").update(store).digest("hex"),
    });
    disk.syncFolder(draft);
    disk.rename(draft, folder);
    disk.syncFolder(dirname(folder));
    return state;
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOTEMPTY") assertEmpty(folder);
    throw error;
  }
}

function assertEmpty(folder: string): void {
  if (!isPrivateFolder(folder)) return;
  const names = fs.readdirSync(folder);
  if (names.length === 0) return;
  const held = names.includes(STORE_FILE) ? "a credential store" : `other files (${names.slice(0, 3).join(", ")})`;
  throw new ForegoneError("E_STORE", `${folder} already holds ${held}; nothing was changed`, {
    exitCode: 1,
    hint: "choose another folder: FOREGONE_CREDENTIALS_DIR=DIR foregone secrets init",
  });
}

async function firstState(
  { random, clock }: SessionContext,
  { auditRecipient }: CreateOptions,
  master: Buffer,
  firstKey: Buffer,
): Promise<Omit<StoreState, "keys">> {
  const storeId = hex(random.bytes(16));
  return {
    storeId,
    createdAt: nowSeconds(clock),
    generation: 1,
    audit:
      auditRecipient === undefined
        ? { verifyKey: "sealed", firstKey: sealFirstKey(random, master, storeId, firstKey) }
        : { verifyKey: "recipient", firstKey: await ageEncrypt(firstKey, { recipient: auditRecipient }) },
    versions: [],
  };
}

/** The first key authenticates this line and is then gone but for its sealed copy. */
function writeFirstLine(
  { disk, clock }: SessionContext,
  folder: string,
  firstKey: Buffer,
  { sha256, ...settings }: Readonly<Record<string, string>> & { readonly sha256: string },
): void {
  const chain = newChain(firstKey);
  const event = { action: "init", settings, store: { generation: 1, sha256 } } as const;
  const { line, bytes } = encodeLine(chain.key, chain.seq, nowSeconds(clock), chain.prev, event);
  writeNew(disk, auditPath(folder), Buffer.concat([bytes, Buffer.from("\n")]));
  createChain(disk, folder, after(chain, line, bytes));
  firstKey.fill(0);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
