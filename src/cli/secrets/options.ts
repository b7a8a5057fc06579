// Options that several `foregone secrets` commands share.
import { duration } from "../../config/kind.ts";
import type { Config } from "../../config/settings.ts";
import { ForegoneError } from "../../core/errors.ts";
import { KEY_PROVIDERS, type KeyProvider } from "../../secrets/model.ts";
import type { Kdf } from "../../secrets/passphrase.ts";
import { nameFault } from "../../secrets/variable-name.ts";
import type { Parsed } from "../command.ts";
import { seconds } from "./context.ts";

/** The one operand NAME. @throws ForegoneError E_USAGE */
export function nameOperand(parsed: Parsed): string {
  const [name, ...more] = parsed.operands;
  if (name === undefined || more.length > 0)
    throw new ForegoneError("E_USAGE", more.length > 0 ? `one name, not ${parsed.operands.length}` : "no name given", {
      hint: "values come from standard input, never from the command line",
    });
  return checkName(name);
}

export function checkName(name: string): string {
  const fault = nameFault(name);
  if (fault === undefined) return name;
  throw new ForegoneError(
    "E_USAGE",
    fault === "protected"
      ? `"${name}" gives orders to programs that read it: no value may be handed over under this name`
      : `"${name}" is not a name: letters, digits and _, at most 128`,
  );
}

/** Seconds. @throws ForegoneError E_USAGE */
export function ageOption(parsed: Parsed, name: string): number | undefined {
  const text = parsed.values.get(name);
  if (text === undefined) return undefined;
  const kind = duration();
  const age = kind.parseText(text);
  if (!age.ok) throw new ForegoneError("E_USAGE", `--${name} wants ${kind.want}, not "${text}"`);
  return seconds(age.value);
}

/** Unix seconds: an ISO time, or an age counted from now (`sign` 1) or back (-1). */
export function timeOption(parsed: Parsed, name: string, now: number, sign: 1 | -1): number | undefined {
  const text = parsed.values.get(name);
  if (text === undefined) return undefined;
  if (/^\d{4}-\d\d-\d\d(?:[T ].*)?$/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return seconds(time);
    throw new ForegoneError("E_USAGE", `--${name}: "${text}" is not a time`, { hint: "2026-11-23T05:10Z" });
  }
  return now + sign * (ageOption(parsed, name) ?? 0);
}

/**
 * When a new version ends: Unix seconds, or null.
 * @throws ForegoneError E_USAGE for 0 (the founding implementation took it for "for ever"), for too long, for both options
 */
export function notAfterOption(parsed: Parsed, config: Config, notBefore: number): number | null {
  if (parsed.flags.has("no-expiry")) {
    if (parsed.values.has("ttl")) throw new ForegoneError("E_USAGE", "--ttl and --no-expiry exclude each other");
    if (!config["secrets.allow-no-expiry"])
      throw new ForegoneError("E_USAGE", "credentials expire here (secrets.allow-no-expiry is false)", {
        hint: "--ttl 365d, or secrets.allow-no-expiry: true",
      });
    return null;
  }
  const ttl = ageOption(parsed, "ttl") ?? seconds(config["secrets.default-ttl"]);
  const longest = seconds(config["secrets.max-ttl"]);
  if (ttl <= 0)
    throw new ForegoneError("E_USAGE", "--ttl must be longer than 0", { hint: "--no-expiry, if that is meant" });
  if (ttl > longest)
    throw new ForegoneError("E_USAGE", `--ttl is longer than ${longest / 86_400} days (secrets.max-ttl)`);
  return notBefore + ttl;
}

export function versionOption(parsed: Parsed): number | undefined {
  const text = parsed.values.get("version");
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new ForegoneError("E_USAGE", `--version wants a number, not "${text}"`);
  return Number(text);
}

export function providerOption(parsed: Parsed): KeyProvider | undefined {
  const text = parsed.values.get("key-provider");
  if (text === undefined || KEY_PROVIDERS.includes(text as KeyProvider)) return text as KeyProvider | undefined;
  throw new ForegoneError("E_USAGE", `--key-provider wants one of ${KEY_PROVIDERS.join(", ")}, not "${text}"`);
}

export function kdfOption(parsed: Parsed): Kdf {
  const text = parsed.values.get("kdf") ?? "scrypt";
  if (text === "scrypt" || text === "pbkdf2") return text;
  throw new ForegoneError("E_USAGE", `--kdf wants scrypt or pbkdf2, not "${text}"`);
}

export function required(parsed: Parsed, name: string): string {
  const text = parsed.values.get(name);
  if (text === undefined) throw new ForegoneError("E_USAGE", `--${name} is missing`);
  return text;
}
