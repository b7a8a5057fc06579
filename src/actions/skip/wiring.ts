// Puts a step or a job together: the action's inputs over the configuration, the disk with the layers below it, the job's identity. What
// only our own step gets of the environment never reaches a key.
import { join } from "node:path";
import { Readable } from "node:stream";
import type { CliContext } from "../../cli/command.ts";
import { skipOptions } from "../../cli/skip-options.ts";
import { diskAlone } from "../../cli/store-layers.ts";
import { VERSION } from "../../cli/version.ts";
import { assemble, effects, openStoreFor, type Wired } from "../../cli/wiring.ts";
import type { Json } from "../../core/canonical.ts";
import type { CommandParts } from "../../memo/memo.ts";
import { nodeFetch } from "../../node/fetch.ts";
import { nodeDeflate } from "../../node/store-files.ts";
import type { Store } from "../../store/store.ts";
import type { BackendChoice } from "../../trace/choose.ts";
import type { Host } from "../host.ts";
import { openRemoteRecords, type RemoteRecords } from "../remote-records.ts";
import { privilegedAccepted, type SkipInputs } from "./inputs.ts";
import type { JobContext } from "./job-context.ts";

export const TOOL = `foregone ${VERSION}`;

export interface ActionParts {
  readonly host: Host;
  readonly inputs: SkipInputs;
  readonly job: JobContext;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Of the command, or of the job. */
  readonly env: Readonly<Record<string, string>>;
  readonly declared: readonly string[];
  readonly mode: "step" | "job";
  readonly definition?: Json;
}

export interface ActionWired extends Wired {
  /** This machine's part of the store: what is written goes here, and from here to the layers in the last step. */
  readonly disk: Store;
  /** Where records live beyond this machine; undefined: the runner did not say enough of this job. */
  readonly remote: RemoteRecords | undefined;
}

/** @throws ForegoneError E_STORE; and E_CONFIG for a wrong configuration file */
export async function wireAction(parts: ActionParts): Promise<ActionWired> {
  const { host, inputs, job, env, argv, cwd, declared, definition } = parts;
  const context = contextOf(host, cwd);
  const none = { flags: new Set<string>(), values: new Map(), lists: new Map(), operands: [] };
  const chosen = await skipOptions(context, none, true);
  if (chosen.problem !== undefined) throw chosen.problem;
  const base = inputs.options(chosen.skip);
  const skip = {
    ...base,
    envDeclared: [...base.envDeclared, ...declared],
    accept: [...new Set([...base.accept, ...privilegedAccepted(chosen, host.env["GITHUB_JOB"] ?? "")])],
    // A skipped job puts nothing back: what its steps make, they do not make.
    ...(parts.mode === "job" && { outputs: "none" as const }),
  };
  const open = openStoreFor(context, chosen.resolved);
  const remote = remoteOf(parts, cwd);
  const layers = { ...diskAlone(open), store: remote?.over(open.store) ?? open.store, envKey: environmentKey(host) };
  const wired = assemble(context, { ...chosen, skip }, argv, open, layers);
  const why = "why" in job.run ? job.run.why : undefined;
  const command: CommandParts = {
    ...wired.parts,
    env,
    cwd,
    options: skip,
    backend: backendOf(host, chosen.backend, parts.mode),
    job: { ...job.key, mode: parts.mode },
    ...(definition !== undefined && { definition }),
    records: {
      ...wired.parts.records,
      distrust: remote?.distrust ?? (async () => why ?? "its maker is not known"),
      ...(remote !== undefined && { further: remote.further }),
    },
  };
  return { ...wired, parts: command, disk: open.store, remote };
}

function remoteOf({ inputs, job, mode }: ActionParts, workspace: string): RemoteRecords | undefined {
  if ("why" in job.run) return undefined;
  return openRemoteRecords({
    context: job.run,
    level: inputs.trust,
    layers: inputs.layers,
    mode,
    tool: TOOL,
    workspace,
    effects: { ...effects, fetch: nodeFetch, deflate: nodeDeflate, onEvent: () => undefined },
  });
}

/** The process as commands of the CLI see theirs; our words go to the log. */
function contextOf(host: Host, cwd: string): CliContext {
  const { stdout, stderr } = process;
  return { cwd, env: host.env, stdin: Readable.from([]), stdout, stderr };
}

/**
 * Environment values enter a key as digests only. The key of the disk store would do, but each hosted machine has another:
 * no record would ever be found again. So values are bound to the repository; a job that is given secrets is not skipped, and
 * nothing of it is kept, unless its user vouches for it (docs/threat-model.md).
 */
function environmentKey({ env }: Host): Uint8Array {
  const repository = env["GITHUB_REPOSITORY_ID"] ?? env["GITHUB_REPOSITORY"] ?? "";
  return Buffer.from(effects.hasher.sha256(`foregone environment 1\0${repository}`), "hex");
}

/** The back end that a run here would have. A wrong guess only means that no record is found. */
function backendOf({ env }: Host, chosen: BackendChoice, mode: "step" | "job"): string {
  if (chosen !== "auto") return chosen;
  if (process.platform !== "linux") return "none";
  const privileged = process.getuid?.() === 0 || env["RUNNER_ENVIRONMENT"] === "github-hosted";
  return privileged || mode === "job" ? "ebpf" : "notify";
}

/** How to start the tracer as root: this very Node, and a bundle beside this one. */
export function tracerCommand(): readonly string[] {
  return [process.execPath, join(import.meta.dirname, "tracer.js")];
}
