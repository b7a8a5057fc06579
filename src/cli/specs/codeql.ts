import { type CommandSpec, JSON_OPTION, type OptionSpec } from "../command.ts";

type Sarif = "validate" | "merge" | "diff" | "summary" | "fingerprint";
const sarif = (name: Sarif) => async () => ({ run: (await import("../commands/sarif.ts"))[name] });

const CHECKOUT: OptionSpec = {
  name: "checkout",
  type: "value",
  placeholder: "DIR",
  summary: "the checkout that was scanned: absolute paths below it are made relative (default: the git work tree)",
};
const OUT: OptionSpec = {
  name: "out",
  short: "o",
  type: "value",
  placeholder: "FILE",
  summary: "write there, not to stdout",
};

export const codeqlSpecs: readonly CommandSpec[] = [
  {
    name: "sarif",
    summary: "check, unite, compare and summarise SARIF files",
    usage: "COMMAND",
    options: [],
    subcommands: [
      {
        name: "validate",
        summary: "would code scanning take these files? 0 yes, 1 no, with every reason",
        usage: "[--checkout DIR] [--tool NAME] [--json] FILE...",
        options: [
          CHECKOUT,
          { name: "tool", type: "value", placeholder: "NAME", summary: "refuse runs whose driver has another name" },
          JSON_OPTION,
        ],
        examples: ["foregone sarif validate results.sarif"],
        load: sarif("validate"),
      },
      {
        name: "merge",
        summary: "several files as one, one run for each tool and category",
        usage: "[-o FILE] FILE...",
        options: [CHECKOUT, OUT],
        examples: ["foregone sarif merge packages/*/eslint.sarif -o eslint.sarif"],
        load: sarif("merge"),
      },
      {
        name: "diff",
        summary: "which alerts are new, absent, updated: 0, or with --exit-code 1 if any is new",
        usage: "[--exit-code] [--json] OLD NEW",
        options: [
          CHECKOUT,
          { name: "exit-code", type: "flag", summary: "exit 1 if there is a new alert" },
          JSON_OPTION,
        ],
        examples: ["foregone sarif diff main.sarif here.sarif --exit-code"],
        load: sarif("diff"),
      },
      {
        name: "summary",
        summary: "alerts by severity as Markdown, for a job summary",
        usage: "FILE...",
        options: [CHECKOUT],
        examples: ["foregone sarif summary results.sarif >> $GITHUB_STEP_SUMMARY"],
        load: sarif("summary"),
      },
      {
        name: "fingerprint",
        summary: "add primaryLocationLineHash where code scanning would",
        usage: "[--checkout DIR] [-o FILE] FILE",
        options: [CHECKOUT, OUT],
        load: sarif("fingerprint"),
      },
    ],
  },
];
