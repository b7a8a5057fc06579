// inject-credentials, main: credentials of the broker for this job. Everything is masked before anything is written; a denial
// fails the step after the outputs are set, because going on with an empty token is worse than stopping.
import { readFileSync } from "node:fs";
import type { CliContext } from "../cli/command.ts";
import { expandPath } from "../cli/configuration.ts";
import { secretsShell } from "../cli/secrets/context.ts";
import { fromStore } from "../cli/secrets/credentials.ts";
import { ForegoneError } from "../core/errors.ts";
import { answeredValue, askHealth, askPut, askResolve, jobToken } from "../secrets/broker-client.ts";
import { maskCommands } from "../secrets/masking.ts";
import { deliver } from "./inject-deliver.ts";
import { type InjectInputs, readInputs } from "./inject-inputs.ts";
import type { Host } from "./host.ts";

export type InjectStatus = "success" | "partial" | "error" | "skipped" | "empty";

export interface Gathered {
  /** Name -> value. */
  readonly values: ReadonlyMap<string, string>;
  /** Name -> tag, of those that have a version. */
  readonly tags: ReadonlyMap<string, string>;
  /** Name -> why not, as the caller may hear it. */
  readonly denied: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
  readonly audit?: number;
  readonly checkpoint?: string;
}

/** @returns the exit code */
export async function main(host: Host, context: CliContext): Promise<number> {
  const inputs = readInputs(host);
  if ("mistake" in inputs) return finish(host, "error", 0, inputs.mistake);
  // First of all: they are in this process's environment already.
  for (const { value } of inputs.own) maskValue(host, value.toString("utf8"));
  if (inputs.githubToken !== undefined) maskValue(host, inputs.githubToken);
  if (inputs.names.length + inputs.own.length === 0) return finish(host, "empty", 0, undefined);
  if (isForkPullRequest(host.env)) {
    host.annotate("notice", "a pull request of a fork can hold no credentials; none were injected");
    return finish(host, "skipped", 0, undefined);
  }
  try {
    const gathered = await gather(context, inputs);
    for (const value of gathered.values.values()) maskValue(host, value);
    for (const note of gathered.notes) host.annotate("notice", note);
    deliver(host, inputs, gathered);
    summarise(host, inputs, gathered);
    const { values, denied } = gathered;
    const status: InjectStatus = denied.size === 0 ? "success" : values.size === 0 ? "error" : "partial";
    const why = [...denied].map(([name, reason]) => `${name}: ${reason}`).join("; ");
    return finish(host, status, values.size, denied.size === 0 ? undefined : why);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const hint = error instanceof ForegoneError && error.hint !== undefined ? `; hint: ${error.hint}` : "";
    return finish(host, "error", 0, `${text}${hint}`);
  }
}

async function gather(context: CliContext, inputs: InjectInputs): Promise<Gathered> {
  const shell = await secretsShell(context);
  const { config } = shell;
  const socket = expandPath(inputs.socket ?? config["secrets.broker.socket"], context);
  const health = await askHealth(socket);
  const own = new Map(inputs.own.map(({ name, value }) => [name, value.toString("utf8")]));
  if (health === undefined) {
    const notes =
      own.size === 0 ? [] : ["no broker on this machine: `credentials` serve this job only and are not stored"];
    if (inputs.runnerId !== undefined)
      throw new ForegoneError("E_DENIED", `no broker, and runner-id wants "${inputs.runnerId}"`);
    if (inputs.names.length === 0) return { values: own, tags: new Map(), denied: new Map(), notes };
    const { given, denied, audit } = await fromStore(shell, undefined, inputs.mode, inputs.names);
    const values = new Map([...own, ...given.map(({ name, value }) => [name, value] as const)]);
    return {
      values,
      tags: new Map(given.map(({ name, tag }) => [name, tag])),
      denied: new Map(denied.map(({ name, why }) => [name, why])),
      notes,
      ...(audit !== undefined && { audit }),
    };
  }
  if (inputs.runnerId !== undefined && inputs.runnerId !== health.id)
    throw new ForegoneError("E_DENIED", `this is the broker "${health.id}", not "${inputs.runnerId}"`);

  // A token counts once, so each request has its own.
  const audience = inputs.audience ?? config["secrets.oidc.audience"] ?? undefined;
  const token = (): Promise<string | undefined> => jobToken(context.env, health, audience);
  const denied = new Map<string, string>();
  if (inputs.own.length > 0) {
    const proof = await token();
    if (proof === undefined) throw needsToken();
    const { stored } = await askPut(socket, { token: proof, credentials: inputs.own });
    for (const entry of stored) if ("denied" in entry) denied.set(entry.name, `not stored: ${entry.denied}`);
  }
  const values = new Map([...own].filter(([name]) => !denied.has(name)));
  const tags = new Map<string, string>();
  if (inputs.names.length === 0) return { values, tags, denied, notes: [] };
  const proof = await token();
  const { answers, audit, checkpoint } = await askResolve(socket, {
    names: inputs.names,
    mode: inputs.mode,
    ...(proof !== undefined && { token: proof }),
    ...(proof === undefined &&
      inputs.githubToken !== undefined && {
        githubToken: inputs.githubToken,
        repository: context.env["GITHUB_REPOSITORY"] ?? "",
      }),
  });
  for (const answer of answers)
    if ("value" in answer) {
      values.set(answer.name, answeredValue(answer.value).toString("utf8"));
      tags.set(answer.name, answer.tag);
    } else denied.set(answer.name, answer.denied);
  const unproved = proof === undefined && denied.size > 0;
  return {
    values,
    tags,
    denied,
    notes: unproved ? ["this job has no OIDC token to prove who it is: permissions: { id-token: write }"] : [],
    ...(audit !== undefined && { audit }),
    ...(checkpoint !== undefined && { checkpoint }),
  };
}

function needsToken(): ForegoneError {
  return new ForegoneError("E_DENIED", "only a job with an OIDC token may store credentials", {
    hint: "permissions: { id-token: write }",
  });
}

/** GitHub gives such a run neither secrets nor a token; asking would only fill the broker's log. */
function isForkPullRequest(env: Readonly<Record<string, string>>): boolean {
  if (
    !/^pull_request(?:_review)?/.test(env["GITHUB_EVENT_NAME"] ?? "") ||
    env["GITHUB_EVENT_NAME"] === "pull_request_target"
  )
    return false;
  try {
    const event = JSON.parse(readFileSync(env["GITHUB_EVENT_PATH"] ?? "", "utf8")) as {
      readonly pull_request?: { readonly head?: { readonly repo?: { readonly id?: unknown } | null } };
      readonly repository?: { readonly id?: unknown };
    };
    // A head whose repository was deleted is a fork's too.
    return event.pull_request !== undefined && event.pull_request.head?.repo?.id !== event.repository?.id;
  } catch {
    return false;
  }
}

function maskValue(host: Host, value: string): void {
  for (const escaped of maskCommands(value)) host.mask(escaped);
}

/** Outputs first, so that a later `if: always()` step can read what happened. */
function finish(host: Host, status: InjectStatus, injected: number, trouble: string | undefined): number {
  host.output("credentials-injected", String(injected));
  host.output("status", status);
  host.log(`credentials: ${status}, ${injected} injected`);
  if (trouble !== undefined) host.annotate("error", `credentials: ${trouble}`);
  return status === "error" || status === "partial" ? 1 : 0;
}

/** With the broker's checkpoint: the summary is kept by GitHub, so each job is a witness of the audit log. */
function summarise(host: Host, { mode }: InjectInputs, { values, denied, audit, checkpoint }: Gathered): void {
  const rows = [
    ...[...values.keys()].map((name) => `| ${name} | given (${mode}) |`),
    ...[...denied].map(([name, reason]) => `| ${name} | ${reason} |`),
  ];
  const line = audit === undefined ? [] : ["", `Audit line #${audit}.`];
  const note =
    checkpoint === undefined
      ? []
      : [
          "",
          "<details><summary>Checkpoint of the audit log</summary>",
          "",
          "```",
          checkpoint.trimEnd(),
          "```",
          "",
          "</details>",
        ];
  host.summary(["### Foregone credentials", "", "| name | |", "|---|---|", ...rows, ...line, ...note].join("\n"));
}
