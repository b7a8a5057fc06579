// `foregone secrets set`: a value into a scope.
import { ASSURANCES, CONDITION_KEYS, type Mode, MODES, type Policy, REPO_PROPERTY } from "../../core/access.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { splitOnce } from "../../core/scope.ts";
import { addVersions } from "../../secrets/changes.ts";
import type { CliContext, Parsed } from "../command.ts";
import { changing, secretsShell } from "../secrets/context.ts";
import { readValue } from "../secrets/input.ts";
import { ageOption, nameOperand, notAfterOption, required, timeOption } from "../secrets/options.ts";
import { resolveScope } from "../secrets/scope-names.ts";
import { expiryText, scopeLabel, timeText, storedFacts } from "../secrets/words.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const name = nameOperand(parsed);
  const shell = await secretsShell(context);
  const deny = parsed.flags.has("deny");
  const policy = policyOf(parsed, deny);
  const { scope, name: scopeName } = await resolveScope(context, required(parsed, "scope"));
  const value = deny ? Buffer.alloc(0) : await readValue(context, parsed, name);
  const { line, version } = await changing(shell, (session, store, change) => {
    const notBefore = timeOption(parsed, "not-before", change.now, 1) ?? change.now;
    const notAfter = deny ? null : notAfterOption(parsed, shell.config, notBefore);
    if (notAfter !== null && notAfter <= change.now)
      throw new ForegoneError("E_USAGE", `it would have ended already, ${timeText(notAfter)}`);
    const rotateAfter = ageOption(parsed, "rotate-after");
    const added = addVersions(change, store, "set", [
      {
        name,
        scope,
        ...(scopeName !== undefined && { scopeName }),
        value,
        notBefore,
        notAfter,
        rotateAfter: rotateAfter === undefined ? null : notBefore + rotateAfter,
        policy,
        othersUntil: notBefore,
      },
    ]);
    const before = session.log.state.seq;
    session.commit(store, added.change);
    return { line: before, version: added.versions[0] };
  });
  value.fill(0);
  if (version === undefined) throw new TypeError("set: no version");
  const facts = deny ? ["denied to all in it"] : [`${value.length} bytes`, expiryText(version)];
  tell(
    context,
    parsed,
    storedFacts(version, line),
    `${[`${name} v${version.version}`, scopeLabel(version), ...facts, `audit #${line}`].join(", ")}\n`,
  );
  return EXIT.done;
}

function policyOf(parsed: Parsed, deny: boolean): Policy {
  const conditions = Object.fromEntries((parsed.lists.get("if") ?? []).map(condition));
  const assurance = parsed.values.get("assurance");
  if (assurance !== undefined && (!ASSURANCES.includes(assurance as "oidc") || assurance === "owner"))
    throw new ForegoneError("E_USAGE", `--assurance wants oidc, token or local, not "${assurance}"`);
  const modes = parsed.values.get("modes")?.split(",");
  const wrong = modes?.find((mode) => !MODES.includes(mode as Mode));
  if (wrong !== undefined)
    throw new ForegoneError("E_USAGE", `--modes wants some of ${MODES.join(",")}, not "${wrong}"`);
  if ((parsed.lists.get("if") ?? []).length !== Object.keys(conditions).length)
    throw new ForegoneError("E_USAGE", "--if names one claim twice; all conditions must hold");
  return {
    ...(assurance !== undefined && { assurance: assurance as "oidc" | "token" | "local" }),
    ...(deny && { deny }),
    ...(Object.keys(conditions).length > 0 && { if: conditions }),
    ...(modes !== undefined && { modes: modes as readonly Mode[] }),
  };
}

function condition(text: string): readonly [string, string] {
  const [key, glob] = splitOnce(text, "=");
  if (key === "branch" && glob !== "") return ["ref", `refs/heads/${glob}`];
  const known = (CONDITION_KEYS as readonly string[]).includes(key) || /^repo_property_[a-z0-9_]+$/i.test(key);
  if (!known || glob === "")
    throw new ForegoneError("E_USAGE", `--if wants KEY=GLOB, not "${text}"`, {
      hint: `KEY: branch, ${CONDITION_KEYS.join(", ")}, ${REPO_PROPERTY}NAME`,
    });
  return [key, glob];
}
