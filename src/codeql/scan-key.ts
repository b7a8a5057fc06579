// The Action of a scan and what it observes. The nine components make the Action, since each value deserves records of its
// own; source and dependencies are observations, since a change of them should be named and a revert should hit.
import { canonicalJson, type Json } from "../core/canonical.ts";
import { type Digest, sha256Of } from "../core/digest.ts";
import type { Gap } from "../core/gap.ts";
import type { InputPath } from "../core/input-path.ts";
import type { Observation } from "../core/observation.ts";
import type { Action } from "../core/record.ts";
import type { Hasher } from "../ports.ts";
import type { Components } from "./component.ts";
import type { Source, Tier } from "./source.ts";

/** Changes whenever a component or digest changes its meaning: old records then count as none. */
export const KEY_FORMAT = 2;

export const SOURCE_EXACT = "codeql source exact";
export const SOURCE_RELEVANT = "codeql source relevant";
export const DEPENDENCIES = "codeql dependencies";

export interface ScanKey {
  readonly preset: string;
  /** "owner/name" or another name of the repository; empty at a terminal without a remote. */
  readonly repository: string;
  readonly components: Components;
  readonly tier: Tier;
  readonly source: Source;
  readonly dependencies: Digest;
  readonly gaps: readonly Gap[];
  readonly action: Action;
  /** Weak fingerprint. */
  readonly weak: Digest;
  /** Repository, preset and language alone: the newest record under it is what an explanation compares with. */
  readonly family: Digest;
}

export type KeyParts = Omit<ScanKey, "action" | "weak" | "family">;

export function scanKey(parts: KeyParts, hasher: Hasher): ScanKey {
  const { preset, repository, components } = parts;
  const { language, sourceRoot: root = "" } = components.language as Readonly<Record<string, string | undefined>>;
  const action: Action = {
    argv: language === undefined ? [preset] : [preset, language],
    cwd: (root === "" ? "." : root) as InputPath,
    env: { policy: "hash", values: {} },
    platform: {},
    salt: { format: KEY_FORMAT, preset, repository, components: components as unknown as Json },
  };
  return {
    ...parts,
    action,
    weak: sha256Of(hasher, canonicalJson(action as unknown as Json)),
    family: familyOf(preset, repository, language, hasher),
  };
}

export function familyOf(preset: string, repository: string, language: string | undefined, hasher: Hasher): Digest {
  return sha256Of(hasher, canonicalJson(["scan family", KEY_FORMAT, preset, repository, language ?? null]));
}

/** What a record of this scan observed. @param tier the record's own: `exact` if the self-check found a hole */
export function observationsOf(key: ScanKey, tier: Tier): readonly Observation[] {
  const source: Observation =
    tier === "exact"
      ? { kind: "git", key: SOURCE_EXACT, value: key.source.exact, by: key.preset }
      : { kind: "git", key: SOURCE_RELEVANT, value: key.source.relevant, by: key.preset };
  return [source, { kind: "git", key: DEPENDENCIES, value: key.dependencies, by: key.preset }];
}

/** Answers the questions of `observationsOf` from the world as it is now; nothing else is ever asked of a scan. */
export function answerOf(
  key: ScanKey,
  question: { readonly kind: string; readonly key: string },
): string | { why: string } {
  if (question.kind === "git") {
    if (question.key === SOURCE_EXACT) return key.source.exact;
    // Under the exact tier a record of the relevant one may not serve.
    if (question.key === SOURCE_RELEVANT && key.tier === "relevant") return key.source.relevant;
    if (question.key === DEPENDENCIES) return key.dependencies;
  }
  return { why: `not a question of a scan under tier ${key.tier}` };
}

export function componentsOf(action: Action): Components | undefined {
  const components = action.salt["components"];
  return typeof components === "object" && components !== null ? (components as unknown as Components) : undefined;
}
