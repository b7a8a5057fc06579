import { type CommandSpec, JSON_OPTION, type OptionSpec } from "../command.ts";
import { outOption } from "./options.ts";

type Sarif = "validate" | "merge" | "diff" | "summary" | "fingerprint";
const sarif = (name: Sarif) => async () => ({ run: (await import("../commands/sarif.ts"))[name] });

const CHECKOUT: OptionSpec = {
  name: "checkout",
  type: "value",
  placeholder: "DIR",
  summary: "the checkout that was scanned: absolute paths below it are made relative (default: the git work tree)",
};
const OUT = outOption("write there, not to stdout", "o");

/** What a scan is: the same for every command that decides on one. */
const SCAN: readonly OptionSpec[] = [
  { name: "language", short: "l", type: "value", placeholder: "L", summary: "the one language that is scanned" },
  { name: "build-mode", type: "value", placeholder: "MODE", summary: "none, autobuild or manual, as init gets it" },
  { name: "config", type: "value", placeholder: "FILE", summary: "configuration file of the repository" },
  { name: "queries", type: "value", placeholder: "LIST", summary: "as init gets it; a leading + adds" },
  { name: "packs", type: "value", placeholder: "LIST", summary: "as init gets it; a leading + adds" },
  { name: "source-root", type: "value", placeholder: "DIR", summary: "folder of the checkout that is scanned" },
  {
    name: "tool",
    type: "value",
    placeholder: "T",
    summary: "codeql@VERSION, a bundle URL or archive; default: `codeql` on the PATH is asked",
  },
  {
    name: "build",
    type: "value",
    placeholder: "TEXT",
    summary: "for builds: text that names the build, e.g. its script's digest",
  },
  CHECKOUT,
];
const TARGET: readonly OptionSpec[] = [
  { name: "commit", type: "value", placeholder: "C", summary: "commit the result is for (default: HEAD)" },
  { name: "ref", type: "value", placeholder: "REF", summary: "ref the result is for, e.g. refs/heads/main" },
  { name: "category", type: "value", placeholder: "K", summary: "category of code scanning (default: /language:L)" },
];

export const codeqlSpecs: readonly CommandSpec[] = [
  {
    name: "codeql",
    summary: "reuse CodeQL results while nothing the scan depends on has changed",
    usage: "COMMAND",
    options: [],
    subcommands: [
      {
        name: "check",
        summary: "does a stored result hold? exit 0 yes, 3 scan, 2 usage",
        usage: "--language L [options]",
        options: [...SCAN, JSON_OPTION],
        examples: ["foregone codeql check --language javascript --build-mode none || run-the-scan"],
        load: async () => ({ run: (await import("../commands/codeql-check.ts")).check }),
      },
      {
        name: "explain",
        summary: "the same decision with everything that differs from the newest scan",
        usage: "--language L [options]",
        options: [...SCAN, JSON_OPTION],
        load: async () => ({ run: (await import("../commands/codeql-check.ts")).explain }),
      },
      {
        name: "store",
        summary: "keep what a scan wrote; exit 1 if it may not be kept",
        usage: "--language L --sarif FILE [options]",
        options: [
          ...SCAN,
          { name: "sarif", type: "value", placeholder: "FILE", summary: "the SARIF that the scan wrote" },
          { name: "started", type: "value", placeholder: "T", summary: "when the scan began (default: at `check`)" },
        ],
        examples: ["foregone codeql store --language go --sarif results/go.sarif"],
        load: () => import("../commands/codeql-store.ts"),
      },
      {
        name: "replay",
        summary: "the stored result, for this commit; exit 3 if a scan is needed",
        usage: "--language L [-o FILE] [--upload] [options]",
        options: [
          ...SCAN,
          ...TARGET,
          OUT,
          { name: "upload", type: "flag", summary: "send it to code scanning; exit 1 if it is not taken" },
        ],
        examples: ["foregone codeql replay --language go -o go.sarif || run-the-scan"],
        load: () => import("../commands/codeql-replay.ts"),
      },
      {
        name: "upload",
        summary: "send a SARIF file to code scanning and wait until it is processed",
        usage: "[--commit C] [--ref REF] [--category K] FILE",
        details: "The token is that of GITHUB_TOKEN; it needs `security-events: write`.",
        options: [...TARGET, CHECKOUT, JSON_OPTION],
        load: () => import("../commands/codeql-upload.ts"),
      },
      {
        name: "invalidate",
        summary: "disown stored results",
        usage: "[--commit C] [--language L] [--record D] [--all]",
        options: [
          {
            name: "commit",
            type: "value",
            placeholder: "C",
            summary: "results of scans of this commit, and older ones",
          },
          { name: "language", short: "l", type: "value", placeholder: "L", summary: "results of this language" },
          {
            name: "record",
            type: "value",
            placeholder: "D",
            summary: "this record, by its first digits, and older ones",
          },
          { name: "all", type: "flag", summary: "all results of this repository" },
          CHECKOUT,
          JSON_OPTION,
        ],
        load: () => import("../commands/codeql-invalidate.ts"),
      },
      {
        name: "stats",
        summary: "scans kept, reused and skipped here, and the time that saved",
        usage: "[--json]",
        options: [JSON_OPTION],
        load: () => import("../commands/codeql-stats.ts"),
      },
    ],
  },
  {
    name: "sarif",
    summary: "reuse the results of other scanners; check, unite, compare and summarise SARIF files",
    usage: "COMMAND",
    options: [],
    subcommands: [
      {
        name: "run",
        summary: "run a scanner, or write its recorded SARIF if nothing it depends on has changed",
        usage: "[options] -- CMD ARGS...",
        details:
          "Presets: eslint, semgrep, trivy, grype, osv-scanner, flawfinder, cppcheck, secretlint, jscpd; any other program: sarif.\nThe exit code and the output are the scanner's own.",
        options: [
          {
            name: "preset",
            type: "value",
            placeholder: "NAME",
            summary: "which scanner this is (default: by its name)",
          },
          {
            name: "sarif",
            type: "value",
            placeholder: "FILE",
            summary: "where it writes SARIF; - for stdout (default: from its options)",
          },
          {
            name: "category",
            type: "value",
            placeholder: "K",
            summary: "category of code scanning (default: the preset)",
          },
          {
            name: "audit",
            type: "value",
            placeholder: "1/N",
            summary: "share of hits that scan anyway and are compared",
          },
          { name: "max-age", type: "value", placeholder: "AGE", summary: "oldest scan that may serve, e.g. 24h" },
          { name: "accept", type: "list", placeholder: "GAP", summary: "a gap you vouch for, e.g. unresolved" },
          { name: "quiet", short: "q", type: "flag", summary: "say nothing but errors" },
        ],
        passThrough: true,
        ownsStreams: true,
        examples: [
          "foregone sarif run -- npx eslint -f @microsoft/eslint-formatter-sarif -o eslint.sarif .",
          "foregone sarif run --sarif - -- flawfinder --sarif src",
        ],
        load: async () => import("../commands/sarif-run.ts"),
      },
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
