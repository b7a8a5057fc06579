// Disowns recorded scans: by commit, record, language, or all of this repository. A mark ends an Action's records up to a
// moment, so a few more may fall than were named; that costs a scan.
import { LANGUAGES, languageOf } from "../../codeql/languages.ts";
import { PRESETS } from "../../codeql/presets.ts";
import { familyOf, type ScanKey } from "../../codeql/scan-key.ts";
import { disownScan } from "../../codeql/scan-record.ts";
import type { Digest } from "../../core/digest.ts";
import { ForegoneError } from "../../core/errors.ts";
import { nodeHasher } from "../../node/ports.ts";
import { disowningMark } from "../../store/entries.ts";
import type { ScanShell } from "./shell.ts";

export interface Wanted {
  readonly commit?: string | undefined;
  readonly record?: string | undefined;
  readonly language?: string | undefined;
  readonly all?: boolean;
  /** A scan whose log turned out to be wrong. */
  readonly family?: Pick<ScanKey, "weak" | "family">;
  readonly why?: string;
}

/** @returns how many records do not count any more. @throws ForegoneError E_USAGE if nothing is named */
export async function invalidateScans(shell: ScanShell, wanted: Wanted): Promise<number> {
  const { store } = shell.storePorts;
  if (wanted.family !== undefined) {
    const count = (await live(shell, wanted.family.family)).length;
    await disownScan(wanted.family, shell.storePorts);
    shell.log({
      kind: "invalidated",
      scan: "",
      key: wanted.family.weak,
      ...(wanted.why !== undefined && { reason: wanted.why }),
    });
    return count;
  }
  const { commit, record, language, all } = wanted;
  if (commit === undefined && record === undefined && language === undefined && all !== true)
    throw new ForegoneError("E_USAGE", "nothing is named", { hint: "--commit C, --language L, --record D or --all" });
  if (language !== undefined && languageOf(language) === undefined)
    throw new ForegoneError("E_USAGE", `no language "${language}"`, {
      hint: LANGUAGES.map(({ name }) => name).join(", "),
    });
  let count = 0;
  for (const family of families(shell.repository, language)) {
    for (const { id, weak, at, made } of await live(shell, family)) {
      if (commit !== undefined && made?.startsWith(commit) !== true) continue;
      if (record !== undefined && !id.slice("sha256:".length).startsWith(record.replace(/^sha256:/, ""))) continue;
      await store.records.append(weak, disowningMark(at));
      await store.records.append(family, disowningMark(at));
      shell.log({ kind: "invalidated", scan: "", key: weak });
      count++;
    }
  }
  return count;
}

async function live(shell: ScanShell, family: Digest) {
  const entries = await shell.records.entries(family);
  if ("why" in entries) throw new ForegoneError("E_STORE", `the store does not answer: ${entries.why}`);
  const found = [];
  for (const entry of entries.filter(({ disowned }) => disowned !== true)) {
    const loaded = await shell.records.load(entry.record);
    if (!("why" in loaded))
      found.push({ id: entry.record, weak: loaded.weak, at: entry.recordedAt, made: loaded.provenance.commit });
  }
  return found;
}

function families(repository: string, language: string | undefined): Digest[] {
  const codeql = LANGUAGES.filter(({ name }) => language === undefined || languageOf(language)?.name === name).map(
    ({ name }) => familyOf("codeql", repository, name, nodeHasher),
  );
  const others =
    language === undefined ? PRESETS.map(({ name }) => familyOf(name, repository, undefined, nodeHasher)) : [];
  return [...codeql, ...others];
}
