// Environment variables -> a layer: FOREGONE_<KEY> for every setting, and the founding names.
import { nearest } from "../core/nearest.ts";
import { type Layer, LayerBuilder } from "./layer.ts";
import { envName, type Setting } from "./setting.ts";
import { type Key, KEYS, SETTINGS } from "./settings.ts";

/** Variables of ours that are no settings: keys, sockets handed to children, switches of the test suite. */
const OTHER = new Set([
  "FOREGONE_AGENT_READY_FD",
  "FOREGONE_API_URL",
  "FOREGONE_CONFIG",
  "FOREGONE_CREDENTIAL_TAGS",
  "FOREGONE_MASTER_KEY",
  "FOREGONE_MESH_SECRET",
  "FOREGONE_SOCKET",
  "FOREGONE_TEST_LONG",
]);

let names: ReadonlyMap<string, Key> | undefined;

/** Variable name -> setting, founding names included. */
export function envNames(): ReadonlyMap<string, Key> {
  names ??= new Map(
    KEYS.flatMap((key) => {
      const { env = [] }: Setting = SETTINGS[key];
      return [envName(key), ...env].map((name) => [name, key] as const);
    }),
  );
  return names;
}

/** An empty variable counts as not set: that is how a workflow's `env:` passes "nothing". */
export function parseEnv(env: Readonly<Record<string, string | undefined>>): Layer {
  const known = envNames();
  const layer = new LayerBuilder();
  for (const name of Object.keys(env).sort()) {
    const text = env[name];
    if (text === undefined || text === "") continue;
    const key = known.get(name);
    if (key !== undefined) layer.addText(key, name, text, { from: "env", name });
    else if (name.startsWith("FOREGONE_") && !OTHER.has(name)) {
      const close = nearest(name, [...known.keys()]);
      if (close !== undefined) layer.note({ from: "env", name }, `unknown variable ${name}`, `did you mean ${close}?`);
    }
  }
  return layer.build();
}
