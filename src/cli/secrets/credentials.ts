// Where `secrets exec` gets its values: from the broker, if this is a job and one answers; else from the store here.
import type { Mode } from "../../core/access.ts";
import { decideAccess } from "../../core/access.ts";
import { isGranted, resolveNames } from "../../secrets/resolve.ts";
import type { Parsed } from "../command.ts";
import { expandPath } from "../configuration.ts";
import { ForegoneError } from "../../core/errors.ts";
import { actorOf, localCaller, type SecretsShell, withStore } from "./context.ts";
import { resolveScope } from "./scope-names.ts";

export interface Given {
  readonly name: string;
  readonly version: number;
  readonly value: string;
  readonly tag: string;
}

export interface Asked {
  readonly given: readonly Given[];
  readonly denied: readonly { readonly name: string; readonly why: string }[];
  readonly audit: number | undefined;
}

/** @param only undefined: all that the caller may have; a broker tells nobody what that is */
export async function askCredentials(
  shell: SecretsShell,
  parsed: Parsed,
  mode: Mode,
  only: readonly string[] | undefined,
): Promise<Asked> {
  const { context, config, inJob } = shell;
  const socket = parsed.values.get("socket");
  if (inJob || socket !== undefined) {
    const { answeredValue, askHealth, askResolve, jobToken } = await import("../../secrets/broker-client.ts");
    const path = expandPath(socket ?? config["secrets.broker.socket"], context);
    const health = await askHealth(path);
    if (health !== undefined) {
      if (only === undefined) throw new ForegoneError("E_USAGE", "a broker wants names", { hint: "--only NAME,NAME" });
      const audience = parsed.values.get("audience") ?? config["secrets.oidc.audience"] ?? undefined;
      const token = await jobToken(context.env, health, audience);
      const { answers, audit } = await askResolve(path, { names: only, mode, ...(token !== undefined && { token }) });
      return {
        given: answers.flatMap((a) => ("value" in a ? [{ ...a, value: answeredValue(a.value).toString("utf8") }] : [])),
        denied: answers.flatMap((a) => ("denied" in a ? [{ name: a.name, why: a.denied }] : [])),
        audit,
      };
    }
    if (socket !== undefined) throw new ForegoneError("E_NOT_FOUND", `no broker answers at ${path}`);
  }
  return fromStore(shell, parsed.values.get("scope"), mode, only);
}

/** @param text the scope as typed: for the owner */
export async function fromStore(
  shell: SecretsShell,
  text: string | undefined,
  mode: Mode,
  only: readonly string[] | undefined,
): Promise<Asked> {
  const scope = text === undefined ? undefined : (await resolveScope(shell.context, text)).scope;
  const caller = localCaller(shell, scope);
  const asked = await withStore(shell, (session, store): Asked => {
    const { versions } = store.state;
    const names =
      only ??
      [...new Set(versions.map((v) => v.name))].filter(
        (name) => decideAccess(name, mode, session.now(), caller, versions, shell.rules).kind === "grant",
      );
    const actor = { actor: actorOf(shell.context) };
    const { answers, audit } = resolveNames(session, store, {
      action: "exec",
      names,
      mode,
      caller,
      rules: shell.rules,
      actor,
    });
    return {
      given: answers.filter(isGranted).map(({ name, version, value, tag }) => {
        const text = value.reveal().toString("utf8");
        value.wipe();
        return { name, version: version.version, value: text, tag };
      }),
      denied: answers.flatMap((a) => (isGranted(a) ? [] : [{ name: a.name, why: a.reasons.join(", ") }])),
      audit,
    };
  });
  // The command starts meanwhile; nobody waits for a number.
  void import("./counting.ts").then(({ countAccesses }) =>
    countAccesses(shell, asked.given.length, asked.denied.length),
  );
  return asked;
}
