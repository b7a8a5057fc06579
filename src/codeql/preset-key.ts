// The key of a scan by another producer: its version, its command line, what the environment tells it, and the source.
import { canonicalJson } from "../core/canonical.ts";
import { sha256Of } from "../core/digest.ts";
import type { Gap } from "../core/gap.ts";
import { type Files, type Hasher, Unreadable } from "../ports.ts";
import { type KeyPorts, type KeyResult, platformDetail } from "./codeql-key.ts";
import type { Detail } from "./component.ts";
import { type GitSource, sourceGaps } from "./git-source.ts";
import { inertDetail, inertFilter } from "./inert.ts";
import type { Preset } from "./presets.ts";
import { scanEnvironment } from "./scan-env.ts";
import { scanKey } from "./scan-key.ts";
import { digestSource } from "./source.ts";

export interface PresetInputs {
  readonly preset: Preset;
  readonly argv: readonly string[];
  /** argv[0] of the tool itself, resolved to an absolute path without links: behind npx, a node_modules/.bin entry. */
  readonly program: string | undefined;
  readonly cwd: string;
  readonly inertExtra: readonly string[];
  readonly repository: string;
}

/** @param git without the file that the tool writes its result to: that is no input */
export function presetKey(inputs: PresetInputs, git: GitSource, ports: KeyPorts): KeyResult {
  const { preset, argv, cwd } = inputs;
  const gaps: Gap[] = [...partialGaps(preset, argv), ...sourceGaps(git)];
  const tool = toolDetail(inputs, ports, gaps);
  if ("why" in tool) return { kind: "unanswered", unanswered: [{ component: "tool", ...tool }] };
  gaps.push(...ruleGaps(preset, argv, cwd, ports.files));
  const database = databaseDetail(preset, ports, gaps);
  const prose = preset.proseIf !== undefined && mentions(git, preset.proseIf, ports.files);
  const inert = prose ? "media" : preset.inert;
  const key = scanKey(
    {
      preset: preset.name,
      repository: inputs.repository,
      components: {
        tool: tool.detail,
        // Interpreters and libraries of the system are inputs of every one of these tools.
        platform: platformDetail(ports.env, true, ports),
        language: {},
        build: {},
        config: {
          argv: argv.map((word) => relativeTo(git.root, word)),
          cwd: relativeTo(git.root, cwd),
          ...outsideFiles(inputs, git.root, ports, gaps),
        },
        packs: database,
        models: {},
        env: scanEnvironment(ports.env, preset.env, inputs.repository, ports.hasher),
        interpret: inertDetail(inert, inputs.inertExtra),
      },
      tier: preset.tier,
      source: digestSource(
        git,
        { sourceRoot: "", inert: inertFilter(inert, inputs.inertExtra), ignored: unread(inputs, git.root) },
        ports.hasher,
      ),
      dependencies: sha256Of(ports.hasher, canonicalJson(null)),
      gaps,
    },
    ports.hasher,
  );
  return { kind: "key", key, git };
}

/** Files that the tool does not read by itself, and that nobody told it to read. */
function unread({ preset, argv, cwd }: PresetInputs, root: string): (path: string) => boolean {
  const { reads } = preset;
  if (reads === undefined) return () => false;
  const named = new Set(
    argv
      .slice(1)
      .map((word) => relativeTo(root, word.startsWith("/") ? word : `${cwd}/${word}`).replace(/^(?:\.\/)+/, "")),
  );
  return (path) => !reads.test(path) && !named.has(path);
}

function toolDetail(
  { preset, program, argv, cwd }: PresetInputs,
  ports: KeyPorts,
  gaps: Gap[],
): { readonly detail: Detail } | { readonly why: string; readonly hint?: string } {
  if (program === undefined) return { why: `${argv[0] ?? "the program"} is not found` };
  const name = preset.name === "sarif" ? program.slice(program.lastIndexOf("/") + 1) : preset.name;
  switch (preset.version) {
    case "npm": {
      const installed = installedPackages(program, ports.files, ports.hasher);
      return installed === undefined
        ? { why: `no list of installed packages above ${program}`, hint: "install with npm, pnpm or yarn" }
        : { detail: { name, ...installed } };
    }
    case "command": {
      const { status, stdout } = ports.runner.run([program, "--version"], { cwd, env: ports.env });
      const version = Buffer.from(stdout).toString().trim().split("\n")[0] ?? "";
      return status !== 0 || version === ""
        ? { why: `${name} does not tell its version` }
        : { detail: { name, version } };
    }
    case "file": {
      const digest = ports.hashFile(program);
      if (digest === undefined) return { why: `${program} cannot be read` };
      // A script is only the tip of what runs.
      const head = ports.files.read(program, 256 * 1024 * 1024);
      if (head instanceof Uint8Array && head[0] === 0x23 && head[1] === 0x21)
        gaps.push({ kind: "unresolved", ref: `interpreter and libraries of ${name}` });
      return { detail: { name, sha256: digest } };
    }
    default:
      return preset.version satisfies never;
  }
}

/** What a package manager says it has installed, nearest above the program. */
function installedPackages(program: string, files: Files, hasher: Hasher): Detail | undefined {
  const lists = [
    "node_modules/.package-lock.json",
    "node_modules/.pnpm/lock.yaml",
    "node_modules/.yarn-state.yml",
    "node_modules/.yarn-integrity",
  ];
  for (let folder = program; folder.includes("/"); folder = folder.slice(0, folder.lastIndexOf("/")))
    for (const list of lists) {
      const bytes = files.read(`${folder}/${list}`);
      if (bytes !== undefined && !(bytes instanceof Unreadable))
        return { packages: hasher.sha256(bytes), list: list.slice(list.lastIndexOf("/") + 1) };
    }
  return undefined;
}

/** Files outside the checkout that the command names, and configurations above it: git does not see them. */
function outsideFiles({ argv, cwd, preset }: PresetInputs, root: string, ports: KeyPorts, gaps: Gap[]): Detail {
  const detail: Record<string, string> = {};
  for (const word of argv.slice(1).flatMap((w) => (w.includes("=") ? [w, w.slice(w.indexOf("=") + 1)] : [w]))) {
    const path = word.startsWith("/") ? word : `${cwd}/${word}`;
    if (`${path}/`.startsWith(`${root}/`) && !path.includes("/../")) continue;
    const stat = ports.files.lstat(path);
    if (stat === undefined || stat instanceof Unreadable) continue;
    // A package or module is the installed list's matter; any other folder nobody compares.
    if (stat.type === "file") detail[word] = ports.hashFile(path) ?? "unreadable";
    else if (!path.includes("/node_modules/")) gaps.push({ kind: "unresolved", ref: `${word}, outside the checkout` });
  }
  for (let folder = parentOf(root); folder !== undefined; folder = parentOf(folder)) {
    const entries = ports.files.list(folder);
    if (entries === undefined || entries instanceof Unreadable) continue;
    for (const [name, type] of entries)
      if (type === "file" && preset.configs.test(name))
        detail[`${folder}/${name}`] = ports.hashFile(`${folder}/${name}`) ?? "unreadable";
  }
  return detail;
}

function parentOf(folder: string): string | undefined {
  if (folder === "/" || folder === "") return undefined;
  return folder.slice(0, folder.lastIndexOf("/")) || "/";
}

function partialGaps(preset: Preset, argv: readonly string[]): Gap[] {
  return argv
    .filter((word) => preset.partial.some((option) => word === option || word.startsWith(`${option}=`)))
    .map((word) => ({ kind: "partial-run", what: word }));
}

function ruleGaps(preset: Preset, argv: readonly string[], cwd: string, files: Files): Gap[] {
  return optionValues(argv, preset.rules)
    .filter((value) => {
      const stat = files.lstat(value.startsWith("/") ? value : `${cwd}/${value}`);
      return stat === undefined || stat instanceof Unreadable;
    })
    .map((value) => ({ kind: "unresolved", ref: `rules ${value}` }));
}

function databaseDetail(preset: Preset, { env, files, hasher }: KeyPorts, gaps: Gap[]): Detail {
  if (preset.floating !== undefined) gaps.push({ kind: "unresolved", ref: preset.floating });
  if (preset.database === undefined) return {};
  for (const [variable, path] of preset.database) {
    const folder = env[variable];
    const bytes = folder === undefined ? undefined : files.read(`${folder}/${path}`, 1024 * 1024);
    if (bytes !== undefined && !(bytes instanceof Unreadable)) return { database: hasher.sha256(bytes) };
  }
  gaps.push({ kind: "unresolved", ref: `database of ${preset.name}` });
  return {};
}

/** The source without one file, by absolute path. */
export function withoutFile(git: GitSource, file: string | undefined): GitSource {
  if (file === undefined || !file.startsWith(`${git.root}/`)) return git;
  const path = Buffer.from(file.slice(git.root.length + 1)).toString("latin1");
  const entries = new Map(git.entries);
  const unclean = new Set(git.unclean);
  entries.delete(path);
  unclean.delete(path);
  return { ...git, entries, unclean };
}

/** Does package.json or a configuration of the tool speak of this? */
function mentions(git: GitSource, wanted: RegExp, files: Files): boolean {
  return [...git.entries.keys()]
    .filter((path) => /(?:^|\/)(?:package\.json|\.?eslint[^/]*)$/.test(path))
    .some((path) => {
      const bytes = files.read(`${git.root}/${Buffer.from(path, "latin1").toString()}`, 1024 * 1024);
      return bytes instanceof Uint8Array && wanted.test(Buffer.from(bytes).toString());
    });
}

/** Values of these options: `-o X`, `--output X`, `--output=X`. */
export function optionValues(argv: readonly string[], options: readonly string[]): readonly string[] {
  return argv.flatMap((word, i) => {
    const next = argv[i + 1];
    if (options.includes(word)) return next === undefined ? [] : [next];
    const option = options.find((o) => word.startsWith(`${o}=`));
    return option === undefined ? [] : [word.slice(option.length + 1)];
  });
}

/** The same command in another checkout is the same command. */
function relativeTo(root: string, word: string): string {
  return word.split(`${root}/`).join("./").split(root).join(".");
}
