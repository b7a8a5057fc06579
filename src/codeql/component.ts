// One part of what a scan depends on. All parts but the source make the Action of the scan; a miss names the part that
// differs, with what it was and is now.
import { canonicalJson, type Json } from "../core/canonical.ts";

export const COMPONENTS = [
  "tool",
  "platform",
  "language",
  "build",
  "config",
  "packs",
  "models",
  "env",
  "interpret",
] as const;
export type ComponentName = (typeof COMPONENTS)[number];

/** Flat: a member is what a miss names, e.g. "version" of "tool". */
export type Detail = Readonly<Record<string, Json>>;
export type Components = Readonly<Record<ComponentName, Detail>>;

/** Nobody could say what a component is: the scan runs. */
export interface UnansweredComponent {
  readonly component: ComponentName | "source" | "dependencies";
  readonly why: string;
  readonly hint?: string | undefined;
}

export interface ComponentChange {
  readonly component: ComponentName;
  readonly member: string;
  /** As JSON text; undefined: it was not there. */
  readonly was: string | undefined;
  readonly now: string | undefined;
}

/** Every member that differs, in the order of COMPONENTS. */
export function componentChanges(was: Components, now: Components): readonly ComponentChange[] {
  return COMPONENTS.flatMap((component) => {
    const [before, after] = [was[component] ?? {}, now[component]];
    const members = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return members.flatMap((member): ComponentChange[] => {
      const [a, b] = [textOf(before[member]), textOf(after[member])];
      return a === b ? [] : [{ component, member, was: a, now: b }];
    });
  });
}

function textOf(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}
