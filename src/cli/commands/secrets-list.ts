// `foregone secrets list`: what there is, never a value. Reading writes nothing.
import { EXIT } from "../../core/errors.ts";
import { compareUtf8 } from "../../core/canonical.ts";
import { scopeText } from "../../core/scope.ts";
import type { StoredVersion } from "../../secrets/model.ts";
import type { CliContext, Parsed } from "../command.ts";
import { secretsShell, withStore } from "../secrets/context.ts";
import { ageOption } from "../secrets/options.ts";
import { resolveScope } from "../secrets/scope-names.ts";
import { scopeLabel, stateOf, table, timeText } from "../secrets/words.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const shell = await secretsShell(context);
  const wanted = parsed.values.get("scope");
  const scope = wanted === undefined ? undefined : scopeText((await resolveScope(context, wanted)).scope);
  const within = ageOption(parsed, "expiring");
  const { versions, now } = await withStore(shell, (session, { state }) => ({
    versions: state.versions,
    now: session.now(),
  }));
  const shown = versions
    .filter((v) => scope === undefined || scopeText(v.scope) === scope)
    .filter((v) => within === undefined || (v.notAfter !== null && v.notAfter > now && v.notAfter <= now + within))
    .toSorted(
      (a, b) =>
        compareUtf8(a.name, b.name) || compareUtf8(scopeText(a.scope), scopeText(b.scope)) || a.version - b.version,
    );
  if (parsed.flags.has("json"))
    context.stdout.write(
      `${JSON.stringify(
        shown.map((v) => facts(v, now)),
        undefined,
        2,
      )}\n`,
    );
  else if (shown.length === 0) context.stdout.write("no credentials\n");
  else context.stdout.write(table(shown.map((v) => row(v, now))));
  return EXIT.done;
}

function row(v: StoredVersion, now: number): readonly string[] {
  const end = v.notAfter === null ? "no expiry" : timeText(v.notAfter);
  return [v.name, `v${v.version}`, stateOf(v, now), end, scopeLabel(v), notes(v, now)];
}

function notes({ policy, rotateAfter }: StoredVersion, now: number): string {
  return [
    ...(policy.assurance === undefined ? [] : [`assurance ${policy.assurance}`]),
    ...Object.entries(policy.if ?? {}).map(([key, glob]) => `if ${key}=${glob}`),
    ...(policy.modes === undefined ? [] : [`modes ${policy.modes.join(",")}`]),
    ...(rotateAfter !== null && now >= rotateAfter ? ["rotate it"] : []),
  ].join("; ");
}

function facts(v: StoredVersion, now: number): object {
  const { name, version, notBefore, notAfter, rotateAfter, policy, credentialId, kid, scopeName } = v;
  return {
    name,
    version,
    state: stateOf(v, now),
    scope: scopeText(v.scope),
    ...(scopeName !== undefined && { scopeName }),
    notBefore,
    notAfter,
    rotateAfter,
    policy,
    credentialId,
    kid,
  };
}
