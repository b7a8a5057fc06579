// `foregone secrets doctor`.
import { EXIT } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { type Check, checkStore } from "../secrets/checks.ts";
import { secretsShell } from "../secrets/context.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const shell = await secretsShell(context);
  let checks = await checkStore(shell);
  const fixed: string[] = [];
  if (parsed.flags.has("fix")) {
    // Modes first: what is behind them can only be checked once they are right.
    for (let round = 0; round < 3 && checks.some((check) => check.fix !== undefined); round++) {
      for (const { fix } of checks) if (fix !== undefined) fixed.push(await fix());
      checks = await checkStore(shell);
    }
  }
  if (parsed.flags.has("json")) {
    const facts = checks.map(({ fix, ...check }) => ({ ...check, fixable: fix !== undefined }));
    context.stdout.write(`${JSON.stringify({ checks: facts, fixed }, undefined, 2)}\n`);
  } else {
    for (const line of fixed) context.stdout.write(`fixed ${line}\n`);
    for (const check of checks) context.stdout.write(text(check));
  }
  return checks.some((check) => check.status === "fail") ? EXIT.wrong : EXIT.done;
}

function text({ status, subject, text, mend }: Check): string {
  return `${status.padEnd(4)}  ${subject.padEnd(9)} ${text}${mend === undefined ? "" : `; mend: ${mend}`}\n`;
}
