// Commands that run, decide and explain.
import { type CommandSpec, JSON_OPTION, type OptionSpec } from "../command.ts";

/** What changes the decision; the same for every command that decides. */
export const DECISION_OPTIONS: readonly OptionSpec[] = [
  { name: "mode", type: "value", placeholder: "MODE", summary: "enforce (default), shadow, record or off" },
  { name: "audit", type: "value", placeholder: "1/N", summary: "share of would-be skips that run and are compared" },
  { name: "max-age", type: "value", placeholder: "AGE", summary: "oldest record that may serve, e.g. 7d" },
  { name: "env", type: "value", placeholder: "POLICY", summary: "hash (default) or strict" },
  {
    name: "env-pass",
    type: "list",
    placeholder: "NAME",
    summary: "a variable that is passed and compared under strict",
  },
  {
    name: "outputs",
    type: "list",
    placeholder: "GLOB",
    summary: "files to restore: workspace (default), none, or globs",
  },
  { name: "accept", type: "list", placeholder: "GAP", summary: "a gap you vouch for; printed with every skip" },
  {
    name: "ignore",
    type: "list",
    placeholder: "INPUT",
    summary: "an input that does not matter; printed with every skip",
  },
  { name: "salt", type: "value", placeholder: "TEXT", summary: "text that becomes part of the command's identity" },
  { name: "backend", type: "value", placeholder: "NAME", summary: "auto (default), ebpf, notify or none" },
];

export const runSpecs: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "run a command, or replay its result if nothing it depends on has changed",
    usage: "[options] -- CMD ARGS...",
    details:
      "The exit code and the output are the command's own. Its standard input is empty: what it is to read goes into a\nfile or an argument. What Foregone says is on stderr, in lines that begin with `foregone: `; --quiet leaves out all\nbut errors.",
    options: [...DECISION_OPTIONS, { name: "quiet", short: "q", type: "flag", summary: "say nothing but errors" }],
    passThrough: true,
    ownsStreams: true,
    examples: ["foregone run -- npm test", "foregone run --ignore git.head -- make"],
    load: () => import("../commands/run.ts"),
  },
  {
    name: "check",
    summary: "decide without running: exit 0 would skip, 3 would run",
    usage: "[options] -- CMD ARGS...",
    options: [...DECISION_OPTIONS, JSON_OPTION],
    passThrough: true,
    examples: ["foregone check -- npm test || echo worth running"],
    load: () => import("../commands/check.ts"),
  },
  {
    name: "explain",
    summary: "say why the last decision was what it was",
    usage: "[options] [-- CMD ARGS...]",
    details:
      "Without a command: the last decision in this repository, as it was made. With one: the decision as it would be\nmade now.",
    options: [
      ...DECISION_OPTIONS,
      JSON_OPTION,
      { name: "last", type: "flag", summary: "the last decision (the default)" },
    ],
    passThrough: true,
    load: () => import("../commands/explain.ts"),
  },
  {
    name: "trace",
    summary: "run a command and print what it asked of the world",
    usage: "[--backend NAME] [--json] -- CMD ARGS...",
    details: "Nothing is decided and nothing is recorded. The trace is on stdout; the command's output goes to stderr.",
    options: [JSON_OPTION, ...DECISION_OPTIONS.filter(({ name }) => name === "backend")],
    passThrough: true,
    ownsStreams: true,
    examples: ["foregone trace -- npm test 2>/dev/null"],
    load: () => import("../commands/trace.ts"),
  },
  {
    name: "prove",
    summary: "re-prove a record: noise in all that was not read, then corruption of what was",
    usage: "[options] -- CMD ARGS...",
    details:
      "In a throw-away copy, every tracked file that the recorded run did not read is overwritten with random bytes, and\nthe command runs again: verdict and output must be the same. Then files that it did read are corrupted one by one:\neach must cause a run. Exit 1 if either fails. Your own files are not touched.",
    options: [
      ...DECISION_OPTIONS,
      { name: "sample", type: "value", placeholder: "N", summary: "how many read files are corrupted (default 20)" },
    ],
    passThrough: true,
    examples: ["foregone prove -- npm test"],
    load: () => import("../commands/prove.ts"),
  },
];
