// Options of `sarif run` that stand above the configuration.
import { duration, oneIn } from "../../config/kind.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { Parsed } from "../command.ts";
import type { ShellChoices } from "./shell.ts";

/** @throws ForegoneError E_USAGE with exit code 125 */
export function choicesOf(parsed: Parsed): Pick<ShellChoices, "audit" | "maxAgeMs"> {
  return { audit: parse(parsed, "audit", oneIn), maxAgeMs: parse(parsed, "max-age", duration()) };
}

function parse(parsed: Parsed, name: string, kind: typeof oneIn): number | undefined {
  const text = parsed.values.get(name);
  if (text === undefined) return undefined;
  const value = kind.parseText(text);
  if (value.ok) return value.value;
  throw new ForegoneError("E_USAGE", `--${name} "${text}" is not ${value.want}`, { exitCode: EXIT.ownUsage });
}
