// Layers -> one configuration, each value with its origin. Where a pull request may have written the files, settings that
// bear on trust may only be tightened against what the trusted layers say.
import type { Issue, Origin } from "./issue.ts";
import { type Entry, type Layer, same } from "./layer.ts";
import { defaultOf, type Setting, tightened } from "./setting.ts";
import { type Config, type Key, KEYS, SETTINGS } from "./settings.ts";

export interface ResolvedConfig {
  readonly config: Config;
  /** Only for what is not a default. */
  readonly origins: ReadonlyMap<Key, Origin>;
  /** Printed once: retired and refused keys, values held back. Errors never get here: they are thrown. */
  readonly notes: readonly Issue[];
}

export interface Layers {
  /** Highest first. */
  readonly layers: readonly Layer[];
  /**
   * The same layers as the default branch has them, highest first, when somebody who may not change the default branch
   * may have written `layers`. Undefined: `layers` are trusted.
   */
  readonly trusted: readonly Layer[] | undefined;
}

export function resolve({ layers, trusted }: Layers): ResolvedConfig {
  const values = new Map<Key, unknown>();
  const origins = new Map<Key, Origin>();
  const notes: Issue[] = layers.flatMap((layer) => layer.issues.filter((issue) => issue.severity === "note"));
  for (const key of KEYS) {
    const { tighten, ...setting }: Setting = SETTINGS[key];
    const asked = first(layers, key);
    const base = trusted === undefined || tighten === undefined ? undefined : first(trusted, key);
    if (trusted === undefined || tighten === undefined) {
      values.set(key, asked === undefined ? defaultOf(key, setting) : asked.value);
      if (asked !== undefined) origins.set(key, asked.at);
      continue;
    }
    const floor = base === undefined ? defaultOf(key, setting) : base.value;
    const value = asked === undefined ? floor : tightened(tighten, floor, asked.value);
    values.set(key, value);
    const taken = asked !== undefined && same(value, asked.value);
    if (taken) origins.set(key, asked.at);
    else if (base !== undefined) origins.set(key, base.at);
    if (asked !== undefined && !taken)
      notes.push({
        severity: "note",
        at: asked.at,
        message: `${asked.as} is held at ${setting.kind.show(value)}: a pull request may tighten it, not loosen it`,
        hint: "change it on the default branch",
      });
  }
  raiseIterations(values, origins, notes);
  const off = [...layers, ...(trusted ?? [])].find((layer) => layer.peersOff !== undefined)?.peersOff;
  if (off !== undefined) values.set("p2p.enabled", false);
  return { config: Object.fromEntries(values) as Config, origins, notes };
}

/** Nothing said by anybody. */
export function defaultConfiguration(): ResolvedConfig {
  return resolve({ layers: [], trusted: undefined });
}

/** OWASP's figure for PBKDF2-HMAC-SHA256; the founding 100,000 is 6 times too few. */
const MIN_ITERATIONS = 600_000;

function raiseIterations(values: Map<Key, unknown>, origins: ReadonlyMap<Key, Origin>, notes: Issue[]): void {
  const key = "p2p.security.encryption.key_derivation.pbkdf2_iterations";
  const asked = Number(values.get(key));
  if (asked >= MIN_ITERATIONS) return;
  values.set(key, MIN_ITERATIONS);
  const at = origins.get(key) ?? { from: "default" };
  notes.push({ severity: "note", at, message: `${key}: ${asked} is raised to ${MIN_ITERATIONS}` });
}

function first(layers: readonly Layer[], key: Key): Entry | undefined {
  for (const layer of layers) {
    const entry = layer.entries.get(key);
    if (entry !== undefined) return entry;
  }
  return undefined;
}
