// `foregone secrets audit`: the log, read by people. Whether it is whole: `audit verify`.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { AuditLine, AuditName } from "../../secrets/audit-line.ts";
import { readAuditLines } from "../../secrets/audit-read.ts";
import { inSession } from "../../secrets/session.ts";
import type { CliContext, Parsed } from "../command.ts";
import { secretsShell } from "../secrets/context.ts";
import { timeOption } from "../secrets/options.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const shell = await secretsShell(context);
  const { folder } = shell.session;
  // In a session, so that lines which a killed writer left are settled before they are shown.
  const now = await inSession(shell.session, async (session) => session.now());
  const since = timeOption(parsed, "since", now, -1) ?? 0;
  const denied = parsed.flags.has("denied");
  const last = lastOption(parsed.values.get("last"));
  const lines = [...readAuditLines(folder, since)].filter((line) => !denied || isDenied(line)).slice(-last);
  if (parsed.flags.has("json")) context.stdout.write(`${JSON.stringify(lines, undefined, 2)}\n`);
  else for (const line of lines) context.stdout.write(auditText(line, denied));
  return EXIT.done;
}

function lastOption(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new ForegoneError("E_USAGE", `--last wants a number, not "${text}"`, { hint: "--last 20" });
}

function isDenied(line: AuditLine): boolean {
  return line.denied !== undefined || (line.names ?? []).some((name) => name.denied !== undefined);
}

/** One text line for each name, since each has its own decision. */
function auditText(line: AuditLine, denied: boolean): string {
  const time = new Date(line.time * 1000).toISOString().replace(".000Z", "Z");
  const head = `#${line.seq}  ${time}  ${line.action}`;
  const who = whoText(line);
  const names = (line.names ?? []).filter((name) => !denied || name.denied !== undefined);
  const more = line.count === undefined ? [] : [`${line.count} in all`];
  if (names.length === 0) {
    const facts = [line.denied?.join(", "), line.detail, settingsText(line), ...more, who].filter(
      (f) => f !== undefined && f !== "",
    );
    return `${[head, ...facts].join("  ")}\n`;
  }
  return names.map((name) => `${[head, nameText(name), ...more, who].filter((f) => f !== "").join("  ")}\n`).join("");
}

function nameText({ name, version, scope, denied, detail }: AuditName): string {
  const which = version === undefined ? name : `${name} v${version}`;
  const reason =
    denied === undefined ? undefined : [denied.join(", "), detail].filter((f) => f !== undefined).join(" ");
  return [which, scope, reason].filter((f) => f !== undefined).join("  ");
}

function settingsText({ settings, store }: AuditLine): string {
  const shown = Object.entries(settings ?? {}).filter(([key]) => key !== "checkpointKey");
  const generation = store === undefined ? [] : [`generation ${store.generation}`];
  return [...shown.map(([key, value]) => `${key}=${value}`), ...generation].join(" ");
}

/** oidc acme/evil(789) run 4711.1 */
function whoText({ assurance, actor, unverified }: AuditLine): string {
  const claims = actor ?? unverified ?? {};
  const {
    repository,
    repository_id: id,
    run_id: run,
    run_attempt: attempt,
    user,
    uid,
  } = claims as Record<string, string | undefined>;
  return [
    assurance ?? (unverified === undefined ? "" : "unverified"),
    repository === undefined ? "" : `${repository}(${id ?? "?"})`,
    run === undefined ? "" : `run ${run}${attempt === undefined ? "" : `.${attempt}`}`,
    user ?? (uid === undefined ? "" : `uid ${uid}`),
  ]
    .filter((part) => part !== "")
    .join(" ");
}
