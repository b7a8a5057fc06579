// What every `foregone secrets` command begins with: configuration, the store's folder, where its key is, who is asking.
import type { ResolvedConfig } from "../../config/resolve.ts";
import type { Config } from "../../config/settings.ts";
import type { AccessRules, Caller } from "../../core/access.ts";
import type { Scope } from "../../core/scope.ts";
import { systemClock, systemRandom } from "../../node/ports.ts";
import type { AuditEvent } from "../../secrets/audit-line.ts";
import { clip } from "../../secrets/audit-line.ts";
import type { ChangeContext } from "../../secrets/changes.ts";
import { checkpointKey } from "../../secrets/checkpoint.ts";
import { type CheckpointPlan, keepCheckpoint } from "../../secrets/checkpoints.ts";
import { nodeDisk } from "../../secrets/disk.ts";
import { keySource } from "../../secrets/key-source.ts";
import { forgetRetiredKeys } from "../../secrets/rotate-master.ts";
import type { Kdf } from "../../secrets/passphrase.ts";
import { inSession, type OpenStore, type Session, type SessionContext } from "../../secrets/session.ts";
import type { CliContext } from "../command.ts";
import { configurationOf, expandPath } from "../configuration.ts";
import { askHidden } from "./input.ts";

export interface SecretsShell {
  readonly context: CliContext;
  readonly resolved: ResolvedConfig;
  readonly config: Config;
  readonly session: SessionContext;
  readonly rules: AccessRules;
  readonly checkpoints: CheckpointPlan;
  /** True in a job: GITHUB_ACTIONS is set. It can be unset, but then its user reads the key file anyway. */
  readonly inJob: boolean;
}

/** @throws ForegoneError E_CONFIG */
export async function secretsShell(context: CliContext, more: { readonly kdf?: Kdf } = {}): Promise<SecretsShell> {
  const resolved = await configurationOf(context);
  const { config } = resolved;
  const folder = expandPath(config["secrets.dir"], context);
  const session: SessionContext = {
    folder,
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    source: (provider, where) =>
      keySource(provider, {
        folder: where,
        disk: nodeDisk,
        random: systemRandom,
        env: context.env,
        command: config["secrets.key-command"],
        kdf: more.kdf ?? "scrypt",
        ask: (prompt) => askHidden(context, prompt),
      }),
  };
  return {
    context,
    resolved,
    config,
    session,
    rules: accessRules(config),
    checkpoints: checkpointPlan(context, config),
    inJob: context.env["GITHUB_ACTIONS"] === "true",
  };
}

/** A label `group:NAME` is the runner's group; `secrets.broker.group` is the Unix group of the socket. */
export function accessRules(config: Config): AccessRules {
  const isGroup = (label: string): boolean => label.startsWith("group:");
  const labels = config["secrets.broker.labels"];
  const group = labels.find(isGroup)?.slice("group:".length);
  return {
    denyEvents: config["secrets.deny-events"],
    allowToken: config["secrets.assurance.token"],
    runner: {
      id: config["secrets.broker.id"] ?? "local",
      labels: labels.filter((label) => !isGroup(label)),
      ...(group !== undefined && { group }),
    },
  };
}

export function checkpointPlan(context: CliContext, config: Config): CheckpointPlan {
  return {
    every: config["secrets.audit.checkpoint-every"],
    interval: seconds(config["secrets.audit.checkpoint-interval"]),
    folders: config["secrets.audit.checkpoint-to"].map((folder) => expandPath(folder, context)),
  };
}

/** One session with the store opened in it; afterwards a checkpoint is kept if one is due. */
export function withStore<T>(
  shell: SecretsShell,
  work: (session: Session, store: OpenStore) => Promise<T> | T,
): Promise<T> {
  return inSession(shell.session, async (session) => {
    const store = await session.open();
    const { state, master } = store;
    const done = await work(session, store);
    const key = () => checkpointKey(master, state.storeId);
    for (const folder of keepCheckpoint(session.log, key, shell.checkpoints, session.now()))
      shell.context.stderr.write(`foregone: note: checkpoint not kept in ${folder}\n`);
    return done;
  });
}

/** A session that writes: master keys whose grace is over are forgotten in passing. */
export function changing<T>(
  shell: SecretsShell,
  work: (session: Session, store: OpenStore, change: ChangeContext) => Promise<T> | T,
): Promise<T> {
  return withStore(shell, async (session, store) => {
    const change = changeContext(shell, session.now());
    const kept = await forgetRetiredKeys(session, store, change, seconds(shell.config["secrets.master-grace"]));
    return work(session, kept, change);
  });
}

function changeContext({ config, context, inJob }: SecretsShell, now: number): ChangeContext {
  return {
    random: systemRandom,
    now,
    purgeAfter: seconds(config["secrets.purge-after"]),
    actor: { assurance: inJob ? "local" : "owner", actor: actorOf(context) },
  };
}

/** Who types, as far as this machine knows: for the log, never for a decision. */
export function actorOf(context: CliContext): NonNullable<AuditEvent["actor"]> {
  const uid = process.getuid?.();
  const user = context.env["SUDO_USER"] ?? context.env["USER"];
  return { ...(uid !== undefined && { uid: String(uid) }), ...(user !== undefined && { user: clip(user) }) };
}

/**
 * Outside a job: the owner, who could open all anyway. Inside: `local`, with what the environment says as claims. They choose
 * among the credentials that their owner set `--assurance local`, and are worth no more than that.
 */
export function localCaller({ context, inJob }: SecretsShell, scope: Scope | undefined): Caller {
  if (!inJob) return { assurance: "owner", claims: {}, ...(scope !== undefined && { scope }) };
  const { env } = context;
  const name = (variable: string): string => env[variable] ?? "";
  const [workflow = "", ref] = name("GITHUB_WORKFLOW_REF").split("@refs/");
  const prefix = `${name("GITHUB_REPOSITORY")}/`;
  const conditions = {
    ref: name("GITHUB_REF"),
    ref_type: name("GITHUB_REF_TYPE"),
    event_name: name("GITHUB_EVENT_NAME"),
    runner_environment: name("RUNNER_ENVIRONMENT"),
  };
  return {
    assurance: "local",
    claims: {
      repositoryId: name("GITHUB_REPOSITORY_ID"),
      ownerId: name("GITHUB_REPOSITORY_OWNER_ID"),
      eventName: name("GITHUB_EVENT_NAME"),
      conditions,
      ...(workflow.startsWith(prefix) && { workflowPath: workflow.slice(prefix.length) }),
      ...(ref !== undefined && { workflowRef: `refs/${ref}` }),
    },
  };
}

/** Settings hold milliseconds; the store holds Unix seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
