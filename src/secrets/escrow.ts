// What leaves the store: an age file of canonical JSON, `foregone-export/1`. age knows no expiry, so each version's end rides
// inside. Import is all or nothing, and sets what it finds anew: keys, ids and numbers stay behind.
import { canonicalJson, type Json } from "../core/canonical.ts";
import type { Policy } from "../core/access.ts";
import { EXIT, ForegoneError } from "../core/errors.ts";
import { parseScope, scopeText } from "../core/scope.ts";
import { fromBase64, toBase64 } from "./bytes.ts";
import type { NewVersion } from "./changes.ts";
import { currentKey, type StoredVersion, type StoreState, versionsOf } from "./model.ts";
import { openValue } from "./values.ts";
import { nameFault } from "./variable-name.ts";

const EXPORT_FORMAT = "foregone-export/1";

/** @returns plain text: to be sealed at once and wiped */
export function exportText(
  { state, master }: { readonly state: StoreState; readonly master: Uint8Array },
  versions: readonly StoredVersion[],
  withMasterKey: boolean,
): Buffer {
  const entries = versions.map((v): Json => {
    const value = openValue(state, master, v);
    const text = toBase64(value.reveal());
    value.wipe();
    return {
      name: v.name,
      scope: scopeText(v.scope),
      version: v.version,
      notBefore: v.notBefore,
      notAfter: v.notAfter,
      rotateAfter: v.rotateAfter,
      policy: v.policy as Json,
      value: text,
      ...(v.scopeName !== undefined && { scopeName: v.scopeName }),
    };
  });
  const { kid } = currentKey(state);
  return Buffer.from(
    canonicalJson({
      format: EXPORT_FORMAT,
      storeId: state.storeId,
      versions: entries,
      ...(withMasterKey && { masterKey: { kid, key: toBase64(master) } }),
    }),
  );
}

/** @throws ForegoneError E_DAMAGED for anything that this program did not export, before anything is stored */
export function parseExport(text: Buffer): readonly NewVersion[] {
  let body: { readonly format?: unknown; readonly versions?: unknown };
  try {
    body = JSON.parse(text.toString("utf8")) as typeof body;
  } catch {
    throw damaged("it is not JSON");
  }
  if (body.format !== EXPORT_FORMAT || !Array.isArray(body.versions)) throw damaged(`it is not ${EXPORT_FORMAT}`);
  return (body.versions as readonly Readonly<Record<string, unknown>>[])
    .toSorted((a, b) => Number(a["version"]) - Number(b["version"]))
    .map((entry, i) => {
      const scope = parseScope(String(entry["scope"]));
      const value = fromBase64(String(entry["value"]));
      const { name, notBefore, notAfter, rotateAfter, policy, scopeName } = entry;
      const times = [notBefore, notAfter ?? 0, rotateAfter ?? 0];
      if (typeof name !== "string" || nameFault(name) !== undefined) throw damaged(`entry ${i} has no name`);
      if (scope === undefined || value === undefined || !times.every((t) => Number.isSafeInteger(t)))
        throw damaged(`entry ${i} (${name}) is not whole`);
      if (typeof policy !== "object" || policy === null) throw damaged(`entry ${i} (${name}) has no policy`);
      return {
        name,
        scope,
        ...(typeof scopeName === "string" && { scopeName }),
        value,
        notBefore: notBefore as number,
        notAfter: notAfter as number | null,
        rotateAfter: rotateAfter as number | null,
        policy: policy as Policy,
        othersUntil: null,
      };
    });
}

/** Leaves alone what is there, unless told otherwise. Then the imported versions follow the older ones, which end now. */
export function selectImport(
  state: StoreState,
  imported: readonly NewVersion[],
  replace: boolean,
  now: number,
): { readonly added: readonly NewVersion[]; readonly kept: readonly string[] } {
  const exists = (v: NewVersion): boolean => versionsOf(state, v.name, v.scope).length > 0;
  const kept = new Set(replace ? [] : imported.filter(exists).map((v) => `${v.name} in ${scopeText(v.scope)}`));
  const seen = new Set<string>();
  const added = imported
    .filter((v) => replace || !exists(v))
    .map((v) => {
      const place = `${v.name} ${scopeText(v.scope)}`;
      const first = !seen.has(place);
      seen.add(place);
      return exists(v) && first ? { ...v, othersUntil: now } : v;
    });
  return { added, kept: [...kept] };
}

function damaged(why: string): ForegoneError {
  return new ForegoneError("E_DAMAGED", `nothing was imported: ${why}`, { exitCode: EXIT.wrong });
}
