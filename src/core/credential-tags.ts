// Which variables of an environment hold credentials: FOREGONE_CREDENTIAL_TAGS, "NAME=<tag>.<proof>,NAME", written by whoever
// hands values to a command (`secrets exec`, inject-credentials) for the `foregone run` below. A tag stands for one version of
// one credential, so that a run can observe the version and never the value.
import type { Hasher } from "../ports.ts";

export const CREDENTIAL_TAGS = "FOREGONE_CREDENTIAL_TAGS";

export interface TaggedVariable {
  readonly name: string;
  readonly value: string;
  /** Absent: its version is not known, or it has another value by now; a secret it is all the same. */
  readonly tag?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The variable's text for a command that gets `given`. Credentials that the environment holds already stay named.
 * @param given variables as the command will see them
 */
export function credentialTags(env: Env, given: readonly TaggedVariable[], hasher: Hasher): string {
  const names = new Set(given.map(({ name }) => name));
  const outer = entriesOf(env).filter(({ name }) => !names.has(name));
  return [
    ...outer.map(({ text }) => text),
    ...given.map(({ name, value, tag }) => (tag === undefined ? name : `${name}=${tag}.${proof(tag, value, hasher)}`)),
  ].join(",");
}

/** Every credential of this environment. A tag counts only for the value it was given with: a script may have set another. */
export function taggedVariables(env: Env, hasher: Hasher): readonly TaggedVariable[] {
  return entriesOf(env).flatMap(({ name, tag, proved }) => {
    const value = env[name];
    if (value === undefined || value === "") return [];
    return [{ name, value, ...(tag !== undefined && proof(tag, value, hasher) === proved && { tag }) }];
  });
}

function entriesOf(env: Env): { readonly text: string; readonly name: string; tag?: string; proved?: string }[] {
  return (env[CREDENTIAL_TAGS] ?? "").split(",").flatMap((text) => {
    const [, name, tag, proved] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=([0-9a-f]{64})\.([0-9a-f]{32}))?$/.exec(text) ?? [];
    if (name === undefined) return [];
    return [{ text, name, ...(tag !== undefined && proved !== undefined && { tag, proved }) }];
  });
}

/** Of no use without the value, which is in the same environment. */
function proof(tag: string, value: string, hasher: Hasher): string {
  return hasher.hmac(Buffer.from(tag, "hex"), value).slice(0, 32);
}
