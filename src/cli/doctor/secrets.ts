// The credential store, if there is one: what `foregone secrets doctor` looks at.
import { existsSync } from "node:fs";
import type { CliContext } from "../command.ts";
import { checkStore } from "../secrets/checks.ts";
import { secretsShell } from "../secrets/context.ts";
import { type Fact, failure } from "./fact.ts";

export async function secretsFacts(context: CliContext): Promise<readonly Fact[]> {
  const name = "secrets";
  try {
    const shell = await secretsShell(context);
    if (!existsSync(shell.session.folder))
      return [{ status: "ok", name, text: "no credential store; to make one: foregone secrets init" }];
    const checks = await checkStore(shell);
    return checks.map(({ status, subject, text, mend }) => ({
      status,
      name,
      text: `${subject}: ${text}`,
      ...(mend !== undefined && { mend }),
    }));
  } catch (error) {
    return [failure(name, error)];
  }
}
