// Finds, reads and resolves the configuration. Order, highest first: flags, environment, .github/cache-config.yml,
// .github/p2p-config.yml, defaults. On a warm start the YAML library is not loaded: a file's layer is kept under the
// digest of its bytes. Sound because a layer is a pure function of those bytes, the file's name and this version.
import type { Json } from "../core/canonical.ts";
import { ForegoneError } from "../core/errors.ts";
import { type Files, type Hasher, type Runner, Unreadable } from "../ports.ts";
import { parseEnv } from "./env.ts";
import { describe, type Issue } from "./issue.ts";
import { type Layer, LayerBuilder } from "./layer.ts";
import { decodeLayer, encodeLayer } from "./layer-cache.ts";
import { type ResolvedConfig, resolve } from "./resolve.ts";
import { isKey } from "./settings.ts";

export const CONFIG_FILES = [".github/cache-config.yml", ".github/p2p-config.yml"] as const;
/** About 200 keys of about 40 bytes are 8 kB; beyond 256 KiB it is something else. */
const MAX_FILE_BYTES = 256 * 1024;

export interface ConfigPorts {
  readonly files: Files;
  readonly hasher: Hasher;
  /** Asks git for the default branch's version; without it a pull request's version is held to the defaults. */
  readonly runner?: Runner;
  /** Text by key; may forget anything at any time. Only for parsed files: no value of the environment goes in. */
  readonly cache?: { get(key: string): string | undefined; put(key: string, text: string): void };
}

export interface LoadOptions {
  /** `--name=value` of a command or an input of an action, by setting; the name is for messages. */
  readonly flags?: ReadonlyMap<string, { readonly name: string; readonly text: string }>;
  readonly version: string;
}

/**
 * @param cwd absolute; the repository is the nearest folder above it with a `.git`
 * @throws ForegoneError E_CONFIG with every error, each with file and line. `foregone run` must then run the command
 *   without skipping: a typo in a security setting must not pass, and must not fail the job either.
 */
export async function loadConfig(
  ports: ConfigPorts,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  options: LoadOptions,
): Promise<ResolvedConfig> {
  const root = repositoryRoot(ports.files, cwd);
  const files: Layer[] = [];
  const override = env["FOREGONE_CONFIG"];
  if (override !== undefined && override !== "") {
    const path = override.startsWith("/") ? override : `${cwd}/${override}`;
    files.push(await parsed(ports, options, readText(ports.files, path, override, true) ?? "", override, ""));
  } else {
    for (const name of CONFIG_FILES) {
      const text = readText(ports.files, `${root}/${name}`, name, false);
      if (text !== undefined) files.push(await parsed(ports, options, text, name, prefixOf(name)));
    }
  }
  const own = [flagLayer(options.flags), parseEnv(env)];
  const layers = [...own, ...files];
  const errors = layers.flatMap((layer) => layer.issues.filter((issue) => issue.severity === "error"));
  if (errors.length > 0) throw configError(errors);
  const branch = foreignCheckout(ports.files, env);
  if (branch === undefined) return inCacheHome(resolve({ layers, trusted: undefined }), env);
  const trusted = [...own, ...(await trustedFiles(ports, options, root, branch))];
  return inCacheHome(resolve({ layers, trusted }), env);
}

/** The default store follows $XDG_CACHE_HOME. The XDG specification: a relative path is invalid and ignored. */
function inCacheHome(resolved: ResolvedConfig, env: Readonly<Record<string, string | undefined>>): ResolvedConfig {
  const caches = env["XDG_CACHE_HOME"];
  if (caches === undefined || !caches.startsWith("/") || resolved.origins.has("store.directory")) return resolved;
  return { ...resolved, config: { ...resolved.config, "store.directory": `${caches}/foregone` } };
}

function prefixOf(name: string): "" | "p2p." {
  return name.endsWith("p2p-config.yml") ? "p2p." : "";
}

function flagLayer(flags: LoadOptions["flags"]): Layer {
  const layer = new LayerBuilder();
  for (const [key, { name, text }] of flags ?? []) {
    if (!isKey(key)) throw new TypeError(`no setting ${key}`);
    layer.addText(key, name, text, { from: "flag", name });
  }
  return layer.build();
}

/** The nearest folder with a `.git` (a folder, or a file in worktrees and submodules); `cwd` itself if there is none. */
export function repositoryRoot(files: Files, cwd: string): string {
  for (let folder = cwd; folder !== ""; folder = folder.slice(0, folder.lastIndexOf("/"))) {
    const stat = files.lstat(`${folder}/.git`);
    if (stat !== undefined && !(stat instanceof Unreadable)) return folder;
  }
  return cwd;
}

function readText(files: Files, path: string, name: string, must: boolean): string | undefined {
  const bytes = files.read(path, MAX_FILE_BYTES);
  if (bytes === undefined && !must) return undefined;
  // A file that is there and cannot be read must not count as absent: its settings may be the strict ones.
  if (bytes === undefined || bytes instanceof Unreadable)
    throw new ForegoneError("E_CONFIG", `${name} cannot be read: ${bytes?.code ?? "no such file"}`, {
      hint: bytes?.code === "EFBIG" ? "a configuration file has at most 256 KiB" : `ls -l ${path}`,
    });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ForegoneError("E_CONFIG", `${name} is not UTF-8`);
  }
}

async function parsed(
  ports: ConfigPorts,
  { version }: LoadOptions,
  text: string,
  name: string,
  prefix: "" | "p2p.",
): Promise<Layer> {
  const key = ports.hasher.sha256(JSON.stringify([version, name, text] satisfies Json));
  const kept = ports.cache?.get(key);
  const layer = kept === undefined ? undefined : decodeLayer(kept);
  if (layer !== undefined) return layer;
  const { parseConfigFile } = await import("./file.ts");
  const fresh = parseConfigFile(text, name, prefix);
  ports.cache?.put(key, encodeLayer(fresh));
  return fresh;
}

/**
 * The default branch, if the checkout may be written by somebody who may not write there; null if its name is unknown.
 * Undefined: the files are trusted. Only files are judged: who writes the workflow owns its `env:` and `with:`, but a
 * trusted workflow often checks out somebody else's tree (`pull_request_target`, required and reusable workflows).
 */
function foreignCheckout(files: Files, env: Readonly<Record<string, string | undefined>>): string | null | undefined {
  if (env["GITHUB_ACTIONS"] !== "true") return undefined;
  const branch = defaultBranch(files, env["GITHUB_EVENT_PATH"]);
  const event = env["GITHUB_EVENT_NAME"] ?? "";
  const ofPullRequest = /^(?:pull_request|workflow_run|issue_comment)/.test(event);
  if (branch !== null && env["GITHUB_REF"] === `refs/heads/${branch}` && !ofPullRequest) return undefined;
  return branch;
}

/** From the event's payload, which the runner writes; `env:` could name the pull request's own branch. */
function defaultBranch(files: Files, path: string | undefined): string | null {
  // 16 MiB: payloads are cut at 25 MB by GitHub and are about 20 kB.
  const bytes = path === undefined ? undefined : files.read(path, 16 * 1024 * 1024);
  if (bytes === undefined || bytes instanceof Unreadable) return null;
  try {
    const event = JSON.parse(new TextDecoder().decode(bytes)) as { repository?: { default_branch?: unknown } };
    const name = event.repository?.default_branch;
    // What git would not take as a branch name is no branch: it goes into a command line below.
    return typeof name === "string" && /^[\w][\w./-]*$/.test(name) ? name : null;
  } catch {
    return null;
  }
}

/** The files as the default branch has them, if git has it here; none of them means: the defaults are the floor. */
async function trustedFiles(
  ports: ConfigPorts,
  options: LoadOptions,
  root: string,
  branch: string | null,
): Promise<readonly Layer[]> {
  const layers: Layer[] = [];
  if (branch === null || ports.runner === undefined) return layers;
  for (const name of CONFIG_FILES) {
    const asked = ports.runner.run(["git", "cat-file", "blob", `refs/remotes/origin/${branch}:${name}`], { cwd: root });
    if (asked.status !== 0 || asked.stdout.length > MAX_FILE_BYTES) continue;
    const text = new TextDecoder().decode(asked.stdout);
    const layer = await parsed(ports, options, text, `${branch}:${name}`, prefixOf(name));
    if (layer.issues.every((issue) => issue.severity !== "error")) layers.push(layer);
  }
  return layers;
}

function configError(errors: readonly Issue[]): ForegoneError {
  const [first] = errors;
  if (first === undefined) throw new TypeError("no error");
  const rest = errors.slice(1).map((issue) => `; ${describe(issue)}`);
  return new ForegoneError("E_CONFIG", `${describe(first)}${rest.join("")}`, {
    ...(first.hint !== undefined && { hint: first.hint }),
    cause: errors,
  });
}
