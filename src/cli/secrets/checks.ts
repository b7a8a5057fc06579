// What `foregone secrets doctor` looks at, and what it can mend. Checks say what they found; only `fix` changes anything.
import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { ForegoneError } from "../../core/errors.ts";
import { plural } from "../../report/units.ts";
import { openFirstKey } from "../../secrets/audit-key.ts";
import { auditPath } from "../../secrets/audit-log.ts";
import { MAX_LOG_BYTES, readAuditLines } from "../../secrets/audit-read.ts";
import { verifyAudit } from "../../secrets/audit-verify.ts";
import { readChain } from "../../secrets/chain.ts";
import { readPrivate } from "../../secrets/disk.ts";
import { openVersion } from "../../secrets/envelope.ts";
import { scopeKeys } from "../../secrets/keys.ts";
import { attributesOf, currentKey, type StoreState } from "../../secrets/model.ts";
import { restartAudit } from "../../secrets/restart-audit.ts";
import { inSession } from "../../secrets/session.ts";
import { MAX_SEALS } from "../../secrets/store-file.ts";
import { explainFault } from "../../secrets/tamper.ts";
import { problemText } from "../commands/secrets-audit-verify.ts";
import { type StoreAtRest, storeAtRest } from "./at-rest.ts";
import type { SecretsShell } from "./context.ts";
import { stateOf } from "./words.ts";

export interface Check {
  readonly status: "ok" | "note" | "fail";
  readonly subject: string;
  readonly text: string;
  readonly mend?: string;
  /** What `--fix` does about it; says what it did. */
  readonly fix?: () => Promise<string> | string;
}

export async function checkStore(shell: SecretsShell): Promise<readonly Check[]> {
  const { folder } = shell.session;
  const modes = checkModes(folder);
  const found = [...modes, ...checkLeftovers(folder)];
  if (modes.some((check) => check.status === "fail")) return found;
  let store: StoreAtRest;
  try {
    store = await storeAtRest(shell.session);
  } catch (error) {
    if (!(error instanceof ForegoneError)) throw error;
    const subject = error.code === "E_KEY" ? "key" : "store";
    return [
      ...found,
      { status: "fail", subject, text: error.message, ...(error.hint !== undefined && { mend: error.hint }) },
    ];
  }
  return [
    ...found,
    ...checkKey(shell, store.state),
    ...checkVersions(folder, store),
    await checkGeneration(shell, store),
    await checkAudit(shell, store),
    ...checkTimes(shell, store.state),
  ];
}

function checkModes(folder: string): readonly Check[] {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined)
    return [{ status: "fail", subject: "folder", text: `${folder} is not there`, mend: "foregone secrets init" }];
  const uid = process.geteuid?.();
  const wrong = [folder, ...fs.readdirSync(folder).map((name) => join(folder, name))].flatMap((path): Check[] => {
    const { mode, uid: owner } = fs.lstatSync(path);
    const wanted = path === folder ? 0o700 : 0o600;
    if (uid !== undefined && owner !== uid)
      return [
        { status: "fail", subject: "files", text: `${path} belongs to uid ${owner}`, mend: `chown ${uid} ${path}` },
      ];
    if ((mode & 0o077) === 0) return [];
    const text = `${path} is open to others (mode ${(mode & 0o777).toString(8)})`;
    const fix = (): string => {
      fs.chmodSync(path, wanted);
      return `mode ${wanted.toString(8)} for ${path}`;
    };
    return [{ status: "fail", subject: "files", text, mend: `chmod ${wanted.toString(8)} ${path}`, fix }];
  });
  return wrong.length > 0 ? wrong : [{ status: "ok", subject: "files", text: `${folder} and all in it are private` }];
}

function checkLeftovers(folder: string): readonly Check[] {
  const beside = fs.existsSync(dirname(folder))
    ? fs.readdirSync(dirname(folder)).filter((name) => name.startsWith(`${basename(folder)}.init-`))
    : [];
  const inside = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".new")) : [];
  const paths = [...beside.map((name) => join(dirname(folder), name)), ...inside.map((name) => join(folder, name))];
  if (paths.length === 0) return [];
  const fix = (): string => {
    for (const path of paths) fs.rmSync(path, { recursive: true, force: true });
    return `removed ${plural(paths.length, "leftover")}`;
  };
  return [
    {
      status: "note",
      subject: "leftovers",
      text: `of a process that was killed: ${paths.join(", ")}`,
      mend: "foregone secrets doctor --fix",
      fix,
    },
  ];
}

function checkKey({ config }: SecretsShell, state: StoreState): readonly Check[] {
  const { kid, provider, seals } = currentKey(state);
  const checks: Check[] = [
    { status: "ok", subject: "key", text: `${kid} from ${provider}, generation ${state.generation}` },
  ];
  if (provider === "env")
    checks.push({
      status: "note",
      subject: "key",
      text: "the key stands in /proc/PID/environ of every command that uses it",
      mend: "rotate-master --key-provider fd, systemd or keyring",
    });
  if (seals > MAX_SEALS / 2)
    checks.push({
      status: "note",
      subject: "key",
      text: `${seals} texts sealed, of ${MAX_SEALS} at most`,
      mend: "foregone secrets rotate-master",
    });
  if (!fs.existsSync(config["secrets.broker.socket"]))
    checks.push({
      status: "note",
      subject: "broker",
      text: `none at ${config["secrets.broker.socket"]}: whoever runs as this user can open all; scopes bind only behind a broker of another user`,
      mend: "foregone secrets broker, as a user of its own",
    });
  return checks;
}

function checkVersions(folder: string, { state, master }: StoreAtRest): readonly Check[] {
  const history = [...readAuditLines(folder)].flatMap((line) => line.names ?? []);
  const broken = state.versions.flatMap((v): Check[] => {
    const { wrap } = scopeKeys(master, state.storeId, v.scope.kind, v.scope.id);
    const value = openVersion(wrap, v.kid, attributesOf(state.storeId, v), v);
    if (typeof value !== "string") {
      value.fill(0);
      return [];
    }
    const { kind, text } = explainFault(state, master, v, history);
    return [
      {
        status: "fail",
        subject: "values",
        text: `${v.name} v${v.version} does not open: ${kind}: ${text}`,
        mend: `foregone secrets remove ${v.name}, and set it again`,
      },
    ];
  });
  return broken.length > 0
    ? broken
    : [{ status: "ok", subject: "values", text: `${plural(state.versions.length, "version")} open` }];
}

async function checkGeneration({ session }: SecretsShell, { state, master }: StoreAtRest): Promise<Check> {
  try {
    await inSession(session, (s) => s.open());
    return {
      status: "ok",
      subject: "store",
      text: `generation ${state.generation} is the one that the audit log names`,
    };
  } catch (error) {
    if (!(error instanceof ForegoneError)) throw error;
    const rolledBack = error.code === "E_ROLLED_BACK";
    const fix = async (): Promise<string> => {
      if (rolledBack) {
        const { generation } = await inSession(session, (s) => s.accept());
        return `generation ${generation} accepted as the right one`;
      }
      return `audit log restarted; the old one is ${await restartAudit(session, state, master)}`;
    };
    const mendable = rolledBack || error.code === "E_DAMAGED";
    return {
      status: "fail",
      subject: rolledBack ? "store" : "audit",
      text: error.message,
      mend: rolledBack ? "put the newer file back, or: foregone secrets doctor --fix" : "foregone secrets doctor --fix",
      ...(mendable && { fix }),
    };
  }
}

async function checkAudit(
  { session: { folder }, checkpoints }: SecretsShell,
  { state, master }: StoreAtRest,
): Promise<Check> {
  const subject = "audit";
  if (state.audit.verifyKey === "recipient")
    return { status: "note", subject, text: "only the auditor can verify it: audit verify --key" };
  const { lines, problems } = verifyAudit({
    log: readPrivate(auditPath(folder), MAX_LOG_BYTES) ?? Buffer.alloc(0),
    firstKey: await openFirstKey(master, state.storeId, state.audit, undefined),
    chain: readChain(folder)?.state,
    checkpoints: () => [],
  });
  const [first] = problems;
  if (first !== undefined)
    return {
      status: "fail",
      subject,
      text: `${problemText(first)}; ${plural(problems.length, "problem")}`,
      mend: "foregone secrets audit verify",
    };
  if (checkpoints.folders.length > 0) return { status: "ok", subject, text: `${plural(lines, "line")}, unbroken` };
  return {
    status: "note",
    subject,
    text: `${plural(lines, "line")}, unbroken; no checkpoints are kept elsewhere`,
    mend: "secrets.audit.checkpoint-to: [FOLDER]",
  };
}

function checkTimes({ session }: SecretsShell, state: StoreState): readonly Check[] {
  const now = Math.floor(session.clock.now() / 1000);
  const soon = state.versions.filter((v) => v.notAfter !== null && v.notAfter > now && v.notAfter <= now + 7 * 86_400);
  const over = state.versions.filter((v) => stateOf(v, now) === "expired");
  const due = state.versions.filter(
    (v) => v.rotateAfter !== null && now >= v.rotateAfter && stateOf(v, now) === "valid",
  );
  return [
    ...(soon.length > 0
      ? [note(`${plural(soon.length, "version")} end within 7 days`, "foregone secrets list --expiring 7d")]
      : []),
    ...(over.length > 0
      ? [note(`${plural(over.length, "version")} expired`, "foregone secrets remove --expired")]
      : []),
    ...(due.length > 0 ? [note(`${plural(due.length, "credential")} should be rotated`, "foregone secrets list")] : []),
  ];
}

function note(text: string, mend: string): Check {
  return { status: "note", subject: "times", text, mend };
}
