// What the commands of the CodeQL cache begin with: which scan is meant, and what is its key.
import { type CodeqlInputs, codeqlKey, type KeyResult } from "../../codeql/codeql-key.ts";
import type { ScanDecision } from "../../codeql/decide-scan.ts";
import { type GitSource, readGitSource } from "../../codeql/git-source.ts";
import { languageOf } from "../../codeql/languages.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import { ForegoneError } from "../../core/errors.ts";
import { nodeFiles, nodeHasher, nodeRunner } from "../../node/ports.ts";
import type { CliContext, Parsed } from "../command.ts";
import { effects } from "../wiring.ts";
import { checkoutOf } from "./files.ts";
import { type ScanShell, openScanShell, scanName } from "./shell.ts";

export interface Asked {
  readonly shell: ScanShell;
  readonly inputs: CodeqlInputs;
  readonly result: KeyResult;
  readonly name: string;
  readonly from: number;
}

/** @param act what the command does with it; then the connections of the layers end, and what went wrong with them is told */
export async function asking(
  context: CliContext,
  parsed: Parsed,
  act: (asked: Asked) => Promise<number>,
): Promise<number> {
  const asked = await ask(context, parsed);
  try {
    return await act(asked);
  } finally {
    asked.shell.leave((line) => context.stderr.write(`foregone: ${line}\n`));
  }
}

async function ask(context: CliContext, parsed: Parsed): Promise<Asked> {
  const from = effects.clock.monotonicMs();
  const { checkout } = checkoutOf(context, parsed);
  const [git, shell] = await Promise.all([
    readGitSource(checkout, context.env, { files: nodeFiles, hasher: nodeHasher, runner: nodeRunner }),
    openScanShell(context, { checkout }),
    // Judging a log takes 300 kB of code: loaded while git answers.
    import("./deciding.ts"),
  ]);
  const inputs = inputsOf(parsed, shell);
  const result = await codeqlKey(inputs, git, shell.ports);
  const name =
    result.kind === "key"
      ? scanName(result.key)
      : `codeql ${languageOf(inputs.language)?.name ?? inputs.language}`.trim();
  return { shell, inputs, result, name, from };
}

export function known({ result, name }: Asked): { readonly key: ScanKey; readonly git: GitSource } {
  if (result.kind === "key") return result;
  const [{ component, why, hint }] = result.unanswered;
  throw new ForegoneError(
    "E_NOT_FOUND",
    `${name}: ${component} cannot be told: ${why}`,
    hint === undefined ? {} : { hint },
  );
}

function inputsOf(parsed: Parsed, shell: ScanShell): CodeqlInputs {
  const value = (name: string): string | undefined => parsed.values.get(name);
  const buildMode = value("build-mode") ?? "";
  if (buildMode !== "" && buildMode !== "none" && buildMode !== "autobuild" && buildMode !== "manual")
    throw new ForegoneError("E_USAGE", `no build mode "${buildMode}"`, { hint: "none, autobuild or manual" });
  const build = value("build");
  return {
    language: value("language") ?? "",
    buildMode,
    sourceRoot: (value("source-root") ?? "").replace(/^\.\/?|\/+$/g, ""),
    tools: value("tool") ?? "cli",
    actionRef: undefined,
    kinds: "code-scanning",
    tier: shell.settings.tier,
    inertExtra: shell.settings.inertExtra,
    configFile: value("config"),
    config: undefined,
    queries: value("queries"),
    packs: value("packs"),
    definition: build,
    interpret: {},
    repository: shell.repository,
  };
}

export function codeqlTool(key: ScanKey) {
  const version = key.components.tool["version"];
  return { names: ["CodeQL"], ...(typeof version === "string" && { version }) };
}

export async function decided(shell: ScanShell, key: ScanKey, git: GitSource): Promise<ScanDecision> {
  const { decide, disownHole } = await import("./deciding.ts");
  const decision = await decide(shell, key, git, codeqlTool(key));
  await disownHole(shell, key, decision);
  return decision;
}

export function print(context: CliContext, value: unknown): void {
  context.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

export function lines(texts: readonly string[], prefix = ""): string {
  return texts.map((text) => `${prefix}${text}\n`).join("");
}
