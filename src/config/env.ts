// Environment variables -> a layer: FOREGONE_<KEY> for every setting, and the founding names.
import { nearest } from "../core/nearest.ts";
import { type Layer, LayerBuilder } from "./layer.ts";
import { envName, type Setting } from "./setting.ts";
import { type Key, KEYS, SETTINGS } from "./settings.ts";

/** Variables of ours that are no settings, and what they are for: keys, which no file may hold, and what a parent tells a child. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  FOREGONE_CONFIG: "a configuration file to read instead of the two",
  FOREGONE_MASTER_KEY: "the master key of the credential store, base64 (`--key-provider env`)",
  FOREGONE_MASTER_KEY_FD: "number of an inherited descriptor that the master key is read from (`--key-provider fd`)",
  FOREGONE_PASSPHRASE: "passphrase of the credential store (`--key-provider passphrase`); default: a prompt",
  FOREGONE_PASSPHRASE_FD: "number of an inherited descriptor that the passphrase is read from",
  FOREGONE_EXPORT_PASSPHRASE: "passphrase of the file of `secrets export --passphrase` and `secrets import`",
  FOREGONE_MESH_SECRET: "what the peers of one mesh, and the members of a shared store, have in common",
  FOREGONE_MESH_GRANT: "the right of this machine's peer to write records (`foregone peers grant`)",
  FOREGONE_SIGNING_KEY: "signs what this process writes to shared stores (`foregone shared new-key`)",
  FOREGONE_S3_ACCESS_KEY_ID: "of `store.shared`; else AWS_ACCESS_KEY_ID",
  FOREGONE_S3_SECRET_ACCESS_KEY: "of `store.shared`; else AWS_SECRET_ACCESS_KEY",
  FOREGONE_SOCKET: "socket of the API cache, default in the user's runtime folder; set for the commands of `api exec`",
  FOREGONE_API_URL: "set for the commands of `api exec`: base URL of the API cache",
  FOREGONE_PRELOAD_URL: "set for the commands of `api exec`: where `fetch` of Node programs goes",
  FOREGONE_PRELOAD_HOSTS: "set for the commands of `api exec`: the hosts that go there",
  FOREGONE_CREDENTIAL_TAGS: "set by `secrets exec` and `inject-credentials`: which variables hold credentials",
  FOREGONE_AGENT_READY_FD: "set for the agent by whoever starts it: it writes there when it is up",
};

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
    else if (
      name.startsWith("FOREGONE_") &&
      !name.startsWith("FOREGONE_TEST_") &&
      !Object.hasOwn(OTHER_VARIABLES, name)
    ) {
      const close = nearest(name, [...known.keys(), ...Object.keys(OTHER_VARIABLES)]);
      if (close !== undefined) layer.note({ from: "env", name }, `unknown variable ${name}`, `did you mean ${close}?`);
    }
  }
  return layer.build();
}
