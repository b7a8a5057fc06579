// A new master key: every data key wrapped anew under it, no value touched. The new key is kept and proved readable before the
// store is written, and the old one is kept until the grace is over, so no moment has a store without its key.
import { ForegoneError } from "../core/errors.ts";
import { openFirstKey, sealFirstKey } from "./audit-key.ts";
import { type ChangeContext, countSeals } from "./changes.ts";
import { checkpointKey } from "./checkpoint.ts";
import { openVersion, rewrap } from "./envelope.ts";
import { commitment, scopeKeysOf } from "./keys.ts";
import { attributesOf, currentKey, type KeyEntry, type KeyProvider, type StoreState } from "./model.ts";
import { KEY_BYTES } from "./seal.ts";
import type { OpenStore, Session } from "./session.ts";
import { segmentCount } from "./store-file.ts";

/** Versions opened again so far, of all. */
type OnProgress = (done: number, total: number) => void;

export async function rotateMaster(
  session: Session,
  from: OpenStore,
  { random, now, actor }: ChangeContext,
  provider: KeyProvider,
  onProgress?: OnProgress,
): Promise<OpenStore> {
  const { source, folder } = session.context;
  const { state, master } = from;
  const old = currentKey(state);
  const place = source(provider, folder);
  const kid = `k${Math.max(...state.keys.map((k) => Number(k.kid.slice(1)))) + 1}`;
  const fresh = (await place.offered?.(kid, { kid: old.kid, kc: old.kc })) ?? Buffer.from(random.bytes(KEY_BYTES));
  const kc = commitment(fresh, kid).toString("hex");
  await place.keep?.({ kid, kc }, fresh);

  const [oldKeys, newKeys] = [scopeKeysOf(master, state.storeId), scopeKeysOf(fresh, state.storeId)];
  const versions = state.versions.map((v) => {
    const to = { wrapKey: newKeys(v.scope).wrap, kid };
    const wrap = rewrap(
      random,
      { wrapKey: oldKeys(v.scope).wrap, kid: v.kid },
      to,
      attributesOf(state.storeId, v),
      v.wrap,
    );
    if (typeof wrap === "string")
      throw new ForegoneError("E_DAMAGED", `${v.name} v${v.version} does not open (${wrap}); nothing was rotated`, {
        hint: `remove it first: foregone secrets remove ${v.name} --version ${v.version}`,
      });
    return { ...v, kid, wrap };
  });
  const firstKey =
    state.audit.verifyKey === "sealed"
      ? sealFirstKey(random, fresh, state.storeId, await openFirstKey(master, state.storeId, state.audit, undefined))
      : state.audit.firstKey;
  const seals = versions.length + segmentCount(versions) + 1;
  const keys: KeyEntry[] = [
    ...state.keys.map((k): KeyEntry => (k.state === "current" ? { ...k, state: "retired", retiredAt: now } : k)),
    { kid, kc, provider, seals, state: "current" },
  ];
  return session.commit(from, {
    state: { ...state, keys, versions, audit: { ...state.audit, firstKey } },
    master: fresh,
    events: [
      {
        ...actor,
        action: "rotate-master",
        count: versions.length,
        settings: { from: old.kid, kid, provider, checkpointKey: checkpointKey(fresh, state.storeId).publicText },
      },
    ],
    verify: (written) => everyVersionOpens(written, fresh, onProgress),
  });
}

/** Forgets master keys whose grace is over: the store first, then the key. */
export async function forgetRetiredKeys(
  session: Session,
  from: OpenStore,
  { now, actor }: ChangeContext,
  graceSeconds: number,
): Promise<OpenStore> {
  const over = from.state.keys.filter((k) => k.state === "retired" && (k.retiredAt ?? now) + graceSeconds <= now);
  if (over.length === 0) return from;
  const gone = new Set(over);
  const next = session.commit(from, {
    state: countSeals(
      { ...from.state, keys: from.state.keys.filter((k) => !gone.has(k)) },
      segmentCount(from.state.versions),
    ),
    events: [{ ...actor, action: "rotate-master", settings: { forgotten: over.map((k) => k.kid).join(" ") } }],
  });
  for (const { kid, kc, provider } of over)
    await session.context.source(provider, session.context.folder).remove?.({ kid, kc });
  return next;
}

export function everyVersionOpens(state: StoreState, master: Uint8Array, onProgress?: OnProgress): boolean {
  const keys = scopeKeysOf(master, state.storeId);
  return state.versions.every((v, i) => {
    onProgress?.(i + 1, state.versions.length);
    const value = openVersion(keys(v.scope).wrap, v.kid, attributesOf(state.storeId, v), v);
    if (typeof value === "string") return false;
    value.fill(0);
    return true;
  });
}
