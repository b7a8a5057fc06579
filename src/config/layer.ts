// One source of settings: what it says, where it says it, and what is wrong with it.
import type { Json } from "../core/canonical.ts";
import { FOUNDING } from "./founding.ts";
import { IDLE } from "./idle.ts";
import { type Issue, type Origin, where } from "./issue.ts";
import { defaultOf, type Setting } from "./setting.ts";
import { isKey, type Key, SETTINGS } from "./settings.ts";

export interface Entry {
  readonly value: unknown;
  readonly at: Origin;
  /** The name under which it was written, if not its own. */
  readonly as: string;
}

export interface Layer {
  readonly entries: ReadonlyMap<Key, Entry>;
  readonly issues: readonly Issue[];
  /** Why peers must stay off: somebody asked for what makes them unsafe. */
  readonly peersOff?: string;
}

/** Collects one layer; two names for one setting with different values are an error that names both. */
export class LayerBuilder {
  readonly entries = new Map<Key, Entry>();
  readonly issues: Issue[] = [];
  peersOff: string | undefined;

  /** A setting under its own or its founding name. @returns false if no such name exists */
  add(name: string, value: Json, at: Origin): boolean {
    if (isKey(name)) {
      this.#parsed(name, name, at, SETTINGS[name].kind.parse(value));
      return true;
    }
    const founding = Object.hasOwn(FOUNDING, name) ? FOUNDING[name] : undefined;
    if (founding === undefined) return false;
    if (founding.is === "alias") {
      this.#parsed(founding.key, name, at, SETTINGS[founding.key].kind.parse(value));
    } else if (founding.is === "held") {
      if (same(value, founding.value)) return true;
      const effect = founding.otherwise === "peers-off" ? "peers stay off" : "it has no effect";
      this.note(at, `${name}: ${show(value)} is refused, ${effect}: ${founding.why}`);
      if (founding.otherwise === "peers-off") this.peersOff ??= `${name} is ${show(value)}`;
    } else if (founding.quiet === undefined || !same(value, founding.quiet)) {
      this.note(at, `${name} has no effect: ${founding.why}`);
    }
    return true;
  }

  addText(key: Key, name: string, textValue: string, at: Origin): void {
    this.#parsed(key, name, at, SETTINGS[key].kind.parseText(textValue));
  }

  error(at: Origin, message: string, hint?: string): void {
    this.issues.push({ severity: "error", at, message, ...(hint !== undefined && { hint }) });
  }

  build(): Layer {
    const { entries, issues, peersOff } = this;
    return { entries, issues, ...(peersOff !== undefined && { peersOff }) };
  }

  note(at: Origin, message: string, hint?: string): void {
    this.issues.push({ severity: "note", at, message, ...(hint !== undefined && { hint }) });
  }

  #parsed(key: Key, as: string, at: Origin, parsed: ReturnType<Setting["kind"]["parse"]>): void {
    if (!parsed.ok) {
      this.error(at, `${as}: want ${parsed.want}`);
      return;
    }
    const before = this.entries.get(key);
    if (before !== undefined && !same(before.value, parsed.value)) {
      this.error(at, `${as} and ${before.as} (${where(before.at)}) name one setting and differ`, `keep ${key}`);
      return;
    }
    const idle = IDLE[key];
    if (before === undefined && idle !== undefined && !same(parsed.value, defaultOf(key, SETTINGS[key] as Setting)))
      this.note(at, `${as} has no effect: ${idle}`);
    // Its own name beats a founding one in `--origin`, whichever came first.
    if (before === undefined || as === key) this.entries.set(key, { value: parsed.value, at, as });
  }
}

/** For values that came from JSON or YAML. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function show(value: Json): string {
  const shown = JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
