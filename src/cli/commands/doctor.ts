// `foregone doctor`: what works here and what does not, one line each. Others add their section to the list.
import { release } from "node:os";
import { EXIT } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { type Fact, factLine, type Section } from "../doctor/fact.ts";
import { agentFacts } from "../doctor/agent.ts";
import { gitFacts, settingsFacts, storeFacts } from "../doctor/place.ts";
import { secretsFacts } from "../doctor/secrets.ts";
import { sharedFacts } from "../doctor/shared.ts";
import { tracingFacts } from "../doctor/tracing.ts";
import { VERSION } from "../version.ts";

const runtimeFacts: Section = async () => [
  {
    status: "ok",
    name: "runtime",
    text: `foregone ${VERSION}, node ${process.versions.node}, ${process.platform} ${process.arch}, ${release()}`,
  },
];

const sections: readonly Section[] = [
  runtimeFacts,
  tracingFacts,
  settingsFacts,
  storeFacts,
  sharedFacts,
  gitFacts,
  agentFacts,
  secretsFacts,
];

/** @returns 1 if anything is wrong; a note is not */
export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const facts: Fact[] = [];
  for (const section of sections) facts.push(...(await section(context)));
  const text = parsed.flags.has("json")
    ? `${JSON.stringify({ facts }, undefined, 2)}\n`
    : facts.map((fact) => `${factLine(fact)}\n`).join("");
  context.stdout.write(text);
  return facts.some((fact) => fact.status === "fail") ? EXIT.wrong : EXIT.done;
}
