// `foregone secrets audit verify`: proof that the log is whole, or the places where it is not.
import { readFileSync } from "node:fs";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { plural } from "../../report/units.ts";
import { type AgeKey, parseIdentities } from "../../secrets/age.ts";
import { openFirstKey } from "../../secrets/audit-key.ts";
import { auditPath } from "../../secrets/audit-log.ts";
import { MAX_LOG_BYTES } from "../../secrets/audit-read.ts";
import { type AuditProblem, verifyAudit } from "../../secrets/audit-verify.ts";
import { readChain } from "../../secrets/chain.ts";
import { checkpointKey } from "../../secrets/checkpoint.ts";
import { checkpointFiles, readCheckpoints } from "../../secrets/checkpoints.ts";
import { readPrivate } from "../../secrets/disk.ts";
import type { CliContext, Parsed } from "../command.ts";
import { expandPath } from "../configuration.ts";
import { secretsShell } from "../secrets/context.ts";
import { storeAtRest } from "../secrets/at-rest.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const shell = await secretsShell(context);
  const { folder } = shell.session;
  // Not in a session: it refuses a log that was cut, and here that is what shall be found and placed.
  const { state, master } = await storeAtRest(shell.session);
  const firstKey = await openFirstKey(master, state.storeId, state.audit, auditorKey(context, parsed));
  const { origin } = checkpointKey(master, state.storeId);
  const files = [
    ...checkpointFiles(shell.checkpoints.folders, origin),
    ...(parsed.lists.get("checkpoint") ?? []).map((path) => expandPath(path, context)),
  ];
  let read: ReturnType<typeof readCheckpoints> = { checkpoints: [], unread: 0 };
  const { lines, problems } = verifyAudit({
    log: readPrivate(auditPath(folder), MAX_LOG_BYTES) ?? Buffer.alloc(0),
    firstKey,
    chain: readChain(folder)?.state,
    checkpoints: (keys) => {
      read = readCheckpoints(files, keys);
      return read.checkpoints;
    },
  });
  const whole = problems.length === 0 && read.unread === 0;
  if (parsed.flags.has("json")) {
    const facts = { whole, lines, checkpoints: read.checkpoints.length, unreadCheckpoints: read.unread, problems };
    context.stdout.write(`${JSON.stringify(facts, undefined, 2)}\n`);
  } else {
    for (const problem of problems) context.stdout.write(`fail  ${problemText(problem)}\n`);
    if (read.unread > 0)
      context.stdout.write(`fail  ${plural(read.unread, "checkpoint")} not signed by a key of this log\n`);
    if (whole)
      context.stdout.write(
        `ok    ${plural(lines, "line")}, unbroken; ${plural(read.checkpoints.length, "checkpoint")} agree\n`,
      );
    if (whole && read.checkpoints.length === 0)
      context.stdout.write("note  without checkpoints nobody can see that the whole folder was put back\n");
  }
  return whole ? EXIT.done : EXIT.wrong;
}

function auditorKey(context: CliContext, parsed: Parsed): AgeKey | undefined {
  const path = parsed.values.get("key");
  if (path === undefined) return undefined;
  try {
    return { identities: parseIdentities(readFileSync(expandPath(path, context), "utf8")) };
  } catch (error) {
    throw new ForegoneError("E_NOT_FOUND", `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

export function problemText(problem: AuditProblem): string {
  switch (problem.kind) {
    case "altered":
      return `line ${problem.at}: entry #${problem.seq} was altered`;
    case "inserted":
      return `line ${problem.at} was inserted: no key of this log made it`;
    case "missing":
      return `before line ${problem.at}: ${entries(problem.from, problem.to)} missing`;
    case "out-of-order":
      return `line ${problem.at}: entry #${problem.seq} is out of its place`;
    case "broken-link":
      return `line ${problem.at}: entry #${problem.seq} does not follow the one before it`;
    case "torn":
      return `line ${problem.at} is torn`;
    case "cut":
      return `at the end: ${entries(problem.from, problem.to)} cut off (the ${problem.by} has seen them)`;
    case "other-log":
      return `the first ${problem.size} entries are not those that a checkpoint saw: another history`;
    default:
      return problem satisfies never;
  }
}

function entries(from: number, to: number): string {
  return from === to ? `entry #${from}` : `entries #${from} to #${to}`;
}
