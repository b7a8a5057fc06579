// The two files that `foregone init` proposes. Comments in them are for the person who meets them a year later.
import type { Detected } from "./detect.ts";

export const WORKFLOW_FILE = ".github/workflows/foregone.yml";
export const CONFIG_FILE = ".github/cache-config.yml";

export interface WorkflowFacts {
  readonly branch: string;
  /** "owner/repository@ref" */
  readonly action: string;
  readonly detected: Pick<Detected, "setup" | "run">;
}

export function workflowText({ branch, action, detected }: WorkflowFacts): string {
  const steps = [
    "- uses: actions/checkout@v5",
    ...detected.setup,
    `- uses: ${action}`,
    "  with:",
    `    run: ${yamlText(detected.run)}`,
  ];
  return `name: test
on:
  push:
    branches: [${yamlText(branch)}]
  pull_request:
  merge_group:
  # A full run a week: what no observer sees (time, chance, a new runner image) is found by running.
  schedule: [{ cron: "17 4 * * 1" }]

permissions:
  contents: read
  # Lets ${branch} reuse what a pull request has proved, and the other way round.
  actions: read

jobs:
  test:
    runs-on: ubuntu-latest
    steps:
${steps.map((line) => `      ${line}`).join("\n")}
`;
}

export function configText(): string {
  return `# Settings of Foregone. All of them, with their defaults: docs/configuration.md of the project.
# \`foregone config show --origin\` says what holds, \`foregone config validate\` checks this file.
skip:
  # enforce skips; shadow runs everything and only says what it would have skipped.
  mode: enforce
  # A result older than this is made anew, whatever did not change.
  max-age: 7d
  # One skip in fifty runs all the same, and is compared.
  audit: 1/50
`;
}

/** Plain where YAML reads it as the same text, else in double quotes. */
function yamlText(text: string): string {
  return /^[A-Za-z./][\w ./@=+-]*$/.test(text) &&
    !/^(?:true|false|null|yes|no|on|off)$/i.test(text) &&
    text === text.trim()
    ? text
    : JSON.stringify(text);
}
