// The table of all settings: the one home of names, defaults, words, environment variables and rules of trust. It makes
// the types, the validation, the JSON Schema, docs/configuration.md and `foregone config show`.
import type { Setting } from "./setting.ts";
import { apiSettings } from "./settings/api.ts";
import { codeqlSettings, secretsSettings } from "./settings/codeql.ts";
import { p2pSettings } from "./settings/p2p.ts";
import { skipSettings, traceSettings } from "./settings/skip.ts";
import { agentSettings, dashboardSettings, metricsSettings, storeSettings } from "./settings/store.ts";

export const SETTINGS = {
  ...skipSettings,
  ...traceSettings,
  ...storeSettings,
  ...apiSettings,
  ...codeqlSettings,
  ...secretsSettings,
  ...p2pSettings,
  ...agentSettings,
  ...metricsSettings,
  ...dashboardSettings,
} as const;

export type Key = keyof typeof SETTINGS;

/** Every setting by its name, as in the file: durations in milliseconds, sizes in bytes, shares between 0 and 1. */
export type Config = {
  readonly [K in Key]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

export const KEYS = Object.keys(SETTINGS) as readonly Key[];

export function isKey(name: string): name is Key {
  return Object.hasOwn(SETTINGS, name);
}
