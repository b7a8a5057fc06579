import type { CommandSpec } from "../command.ts";

export const setupSpecs: readonly CommandSpec[] = [
  {
    name: "init",
    summary: "show a workflow and a configuration for this repository, and write them if you agree",
    usage: "[--yes] [--run CMD] [--action OWNER/REPO@REF]",
    details: "Nothing that exists is changed. Without a terminal it only shows, unless --yes.",
    options: [
      { name: "yes", short: "y", type: "flag", summary: "write without asking" },
      { name: "run", type: "value", placeholder: "CMD", summary: "the command to skip; found by itself unless told" },
      {
        name: "action",
        type: "value",
        placeholder: "OWNER/REPO@REF",
        summary: "where the action is; that of this very clone unless told",
      },
    ],
    examples: ["foregone init", "foregone init --yes --run 'make check'"],
    load: () => import("../commands/init.ts"),
  },
  {
    name: "completions",
    summary: "print completions for a shell",
    usage: "bash|zsh|fish",
    options: [],
    examples: ["foregone completions bash > ~/.local/share/bash-completion/completions/foregone"],
    load: () => import("../commands/completions.ts"),
  },
  {
    name: "man",
    summary: "print the manual page",
    usage: "",
    options: [],
    examples: ["foregone man | man -l -"],
    load: () => import("../commands/man.ts"),
  },
];
