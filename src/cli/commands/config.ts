// foregone config show | validate | schema.
import { describe, type Issue, where } from "../../config/issue.ts";
import { configJsonSchema } from "../../config/json-schema.ts";
import { CONFIG_FILES } from "../../config/load.ts";
import type { ResolvedConfig } from "../../config/resolve.ts";
import type { Setting } from "../../config/setting.ts";
import { type Key, KEYS, SETTINGS } from "../../config/settings.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf, printNotes } from "../configuration.ts";

export async function show(context: CliContext, parsed: Parsed): Promise<number> {
  const resolved = await configurationOf(context);
  printNotes(context, resolved);
  const keys = selected(parsed.operands).filter((key) => !parsed.flags.has("changed") || resolved.origins.has(key));
  if (parsed.flags.has("json")) {
    const settings = Object.fromEntries(
      keys.map((key) => [key, { value: printable(key, resolved.config[key]), origin: origin(resolved, key) }]),
    );
    context.stdout.write(`${JSON.stringify({ settings, notes: resolved.notes }, undefined, 2)}\n`);
    return EXIT.done;
  }
  const shown = keys.map((key) => [`${key}: ${text(key, resolved.config[key])}`, origin(resolved, key)] as const);
  const width = Math.min(60, Math.max(0, ...shown.map(([left]) => left.length)));
  for (const [left, right] of shown)
    context.stdout.write(parsed.flags.has("origin") ? `${left.padEnd(width)}  # ${right}\n` : `${left}\n`);
  return EXIT.done;
}

export async function validate(context: CliContext, parsed: Parsed): Promise<number> {
  const json = parsed.flags.has("json");
  try {
    const resolved = await configurationOf(context);
    if (json) context.stdout.write(`${JSON.stringify({ valid: true, notes: resolved.notes }, undefined, 2)}\n`);
    else {
      printNotes(context, resolved);
      const changed = resolved.origins.size;
      context.stdout.write(
        `ok    ${CONFIG_FILES.join(", ")} and variables: ${changed} of ${KEYS.length} settings changed\n`,
      );
    }
    return EXIT.done;
  } catch (error) {
    if (!json || !(error instanceof ForegoneError)) throw error;
    const issues = (error.cause as readonly Issue[] | undefined) ?? [];
    const errors = issues.map((issue) => ({ ...issue, text: describe(issue) }));
    context.stdout.write(`${JSON.stringify({ valid: false, message: error.message, errors }, undefined, 2)}\n`);
    return error.exitCode;
  }
}

export function schema(context: CliContext, parsed: Parsed): Promise<number> {
  const [file = "cache-config"] = parsed.operands;
  if (file !== "cache-config" && file !== "p2p-config")
    throw new ForegoneError("E_USAGE", `no schema "${file}"`, { hint: "foregone config schema cache-config" });
  context.stdout.write(`${JSON.stringify(configJsonSchema(file), undefined, 2)}\n`);
  return Promise.resolve(EXIT.done);
}

/** Keys equal to an operand or below it. */
function selected(operands: readonly string[]): readonly Key[] {
  for (const operand of operands) {
    if (KEYS.some((key) => key === operand || key.startsWith(`${operand}.`))) continue;
    const close = nearest(operand, KEYS);
    throw new ForegoneError("E_USAGE", `no setting "${operand}"`, {
      hint: close === undefined ? "foregone config show" : `did you mean \`${close}\`?`,
    });
  }
  return KEYS.filter(
    (key) => operands.length === 0 || operands.some((operand) => key === operand || key.startsWith(`${operand}.`)),
  );
}

function origin(resolved: ResolvedConfig, key: Key): string {
  return where(resolved.origins.get(key) ?? { from: "default" });
}

function text(key: Key, value: unknown): string {
  const { kind }: Setting = SETTINGS[key];
  const shown = printable(key, value);
  return shown === value ? kind.show(value) : JSON.stringify(shown);
}

/** Secrets, and passwords inside URLs, are never printed. */
function printable(key: Key, value: unknown): unknown {
  const { secret }: Setting = SETTINGS[key];
  if (secret === true) return value === null || JSON.stringify(value) === "{}" ? value : "[secret]";
  if (typeof value === "string") return value.replace(/(:\/\/)[^/@\s]+@/, "$1[secret]@");
  if (Array.isArray(value)) {
    const masked = value.map((entry: unknown) => printable(key, entry));
    return masked.every((entry, i) => entry === value[i]) ? value : masked;
  }
  return value;
}
