// The key of one CodeQL scan, from what the job says and what lies in the checkout. Whatever nobody can say is listed as
// unanswered, all of it at once: a person mends a workflow in one go.
import { type Digest, sha256Of } from "../core/digest.ts";
import { canonicalJson, type Json } from "../core/canonical.ts";
import { type Files, type Hasher, Unreadable } from "../ports.ts";
import { resolveCodeql, type ToolPorts } from "./codeql-tool.ts";
import type { Components, Detail, UnansweredComponent } from "./component.ts";
import { type GitSource, sourceGaps, type Unanswered } from "./git-source.ts";
import type { GitPorts } from "./work-tree.ts";
import { inertDetail, inertFilter } from "./inert.ts";
import { type Language, languageOf } from "./languages.ts";
import { type ConfigInputs, readScanConfig, type ScanConfig } from "./scan-config.ts";
import { scanEnvironment } from "./scan-env.ts";
import { type ScanKey, scanKey } from "./scan-key.ts";
import { digestSource, type Tier } from "./source.ts";

export interface CodeqlInputs extends ConfigInputs {
  readonly language: string;
  readonly buildMode: "" | "none" | "autobuild" | "manual";
  /** Relative to the checkout; "" is all of it. */
  readonly sourceRoot: string;
  readonly tools: string;
  readonly actionRef: string | undefined;
  /** "code-scanning"; other kinds write other files. */
  readonly kinds: string;
  readonly tier: "auto" | Tier;
  readonly inertExtra: readonly string[];
  /** The normalised job, for builds; undefined: nobody knows it. */
  readonly definition: Json | undefined;
  /** Whatever else shapes the SARIF: step environment, extra options. */
  readonly interpret: Detail;
  readonly repository: string;
}

export type KeyPorts = GitPorts & ToolPorts & { readonly machine: { readonly os: string; readonly arch: string } };

export type KeyResult =
  | { readonly kind: "key"; readonly key: ScanKey; readonly git: GitSource }
  | { readonly kind: "unanswered"; readonly unanswered: readonly [UnansweredComponent, ...UnansweredComponent[]] };

/** @param git what `readGitSource` found in the checkout */
export async function codeqlKey(
  inputs: CodeqlInputs,
  git: GitSource | Unanswered,
  ports: KeyPorts,
): Promise<KeyResult> {
  const missing: UnansweredComponent[] = [];
  const language = languageOf(inputs.language);
  if (language === undefined) missing.push(unknownLanguage(inputs.language));
  const tool = resolveCodeql(inputs.tools, inputs.actionRef, ports);
  if ("why" in tool) missing.push({ component: "tool", why: tool.why, hint: tool.hint });
  if ("why" in git) missing.push({ component: "source", why: git.why, hint: git.hint });
  if (language !== undefined && !("why" in git)) {
    const built = isBuilt(inputs, language);
    if (built && inputs.definition === undefined)
      missing.push({
        component: "build",
        why: "the job is not known",
        hint: "run this inside its job, or build-mode: none",
      });
    const config = await readScanConfig(inputs, { entries: git.entries, readText: textReader(git.root, ports.files) });
    if ("why" in config) missing.push({ component: "config", why: config.why });
    else if (missing.length === 0 && "detail" in tool)
      return { kind: "key", git, key: assemble(inputs, language, tool.detail, git, config, built, ports) };
  }
  const [first, ...rest] = missing;
  if (first === undefined) throw new TypeError("codeqlKey: nothing missing");
  return { kind: "unanswered", unanswered: [first, ...rest] };
}

function assemble(
  inputs: CodeqlInputs,
  language: Language,
  tool: Detail,
  git: GitSource,
  config: ScanConfig,
  built: boolean,
  ports: KeyPorts,
): ScanKey {
  const { env, hasher } = ports;
  // With its own index settings CodeQL reads other files than its defaults say.
  const indexed = Object.keys(env).some((name) => name.startsWith("LGTM_INDEX_"));
  const tier: Tier = inputs.tier === "exact" || indexed || (inputs.tier === "auto" && built) ? "exact" : "relevant";
  const components: Components = {
    tool,
    platform: platformDetail(env, built, ports),
    language: {
      language: language.name,
      buildMode: inputs.buildMode,
      sourceRoot: inputs.sourceRoot,
      kinds: inputs.kinds,
    },
    build: built ? { definition: hasher.sha256(canonicalJson(inputs.definition ?? null)) } : {},
    config: config.config,
    packs: config.packs,
    models: entriesBelow(git, ".github/codeql/extensions/"),
    env: { ...scanEnvironment(env, language.env, inputs.repository, hasher), ...cliConfig(env, ports.files, hasher) },
    interpret: { ...inputs.interpret, ...inertDetail("codeql", inputs.inertExtra) },
  };
  const relevance = {
    sourceRoot: Buffer.from(inputs.sourceRoot).toString("latin1"),
    inert: inertFilter("codeql", inputs.inertExtra),
    // It does not limit what a build reads.
    ignored: language.interpreted ? config.ignored : () => false,
  };
  return scanKey(
    {
      preset: "codeql",
      repository: inputs.repository,
      components,
      tier,
      source: digestSource(git, relevance, hasher),
      dependencies: dependencies(git, language, env, ports.files, hasher),
      gaps: [...config.gaps, ...sourceGaps(git)],
    },
    hasher,
  );
}

function isBuilt(inputs: CodeqlInputs, language: Language): boolean {
  // Without a mode, CodeQL builds compiled languages with autobuild.
  return (
    inputs.buildMode === "manual" ||
    inputs.buildMode === "autobuild" ||
    (inputs.buildMode === "" && !language.interpreted)
  );
}

/** @param built compilers and headers of the image are inputs of a build */
export function platformDetail(
  env: Readonly<Record<string, string>>,
  built: boolean,
  ports: { readonly machine: { readonly os: string; readonly arch: string } },
): Detail {
  return {
    os: ports.machine.os,
    arch: ports.machine.arch,
    image: env["ImageOS"] ?? "",
    ...(built && { imageVersion: env["ImageVersion"] ?? "" }),
  };
}

/** Tracked files that choose dependencies, wherever they lie, and the toolchains that the environment points to. */
function dependencies(
  git: GitSource,
  language: Language,
  env: Readonly<Record<string, string>>,
  files: Files,
  hasher: Hasher,
): Digest {
  const tracked: [string, string][] = [];
  git.entries.forEach((entry, path) => {
    if (language.dependencies.test(path.slice(path.lastIndexOf("/") + 1))) tracked.push([path, entry]);
  });
  const toolchains = language.toolchain.map(([variable, file]) => {
    const folder = env[variable];
    return folder === undefined ? null : toolchainText(`${folder}/${file}`, files);
  });
  return sha256Of(hasher, canonicalJson([tracked.sort(([a], [b]) => (a < b ? -1 : 1)), toolchains]));
}

function toolchainText(path: string, files: Files): string {
  const bytes = files.read(path, 64 * 1024);
  if (bytes !== undefined && !(bytes instanceof Unreadable)) return Buffer.from(bytes).toString("latin1");
  const list = files.list(path);
  return list === undefined || list instanceof Unreadable
    ? ""
    : list
        .map(([name]) => name)
        .sort()
        .join(" ");
}

function entriesBelow(git: GitSource, prefix: string): Detail {
  const below: [string, string][] = [];
  git.entries.forEach((entry, path) => {
    if (path.startsWith(prefix)) below.push([path, entry]);
  });
  return Object.fromEntries(below.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function cliConfig(env: Readonly<Record<string, string>>, files: Files, hasher: Hasher): Detail {
  const home = env["HOME"];
  const bytes = home === undefined ? undefined : files.read(`${home}/.config/codeql/config`, 64 * 1024);
  if (bytes === undefined) return {};
  return { "~/.config/codeql/config": bytes instanceof Unreadable ? bytes.code : hasher.sha256(bytes) };
}

function textReader(root: string, files: Files): (path: string) => string | undefined {
  return (path) => {
    const bytes = files.read(`${root}/${path}`, 1024 * 1024);
    return bytes === undefined || bytes instanceof Unreadable ? undefined : Buffer.from(bytes).toString();
  };
}

function unknownLanguage(name: string): UnansweredComponent {
  if (name === "" || /[,\s]/.test(name.trim()))
    return {
      component: "language",
      why: name === "" ? "not given, so CodeQL finds them out itself" : `several in one job: ${name}`,
      hint: "one language a job: a matrix, and `languages: ${{ matrix.language }}`",
    };
  return { component: "language", why: `"${name}" is not known here` };
}
