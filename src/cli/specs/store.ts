// Commands that look after the store.
import { type CommandSpec, JSON_OPTION } from "../command.ts";

export const storeSpecs: readonly CommandSpec[] = [
  {
    name: "gc",
    summary: "bring the store within its size and age; the records used last stay",
    usage: "[--max-size SIZE] [--max-age AGE] [--dry-run] [--json]",
    details:
      "What was used within the last hour stays in any case. `foregone run` does the same by itself, once a day.\nExits 11 if another gc is at work.",
    options: [
      { name: "max-size", type: "value", placeholder: "SIZE", summary: "e.g. 5GiB (default: store.disk)" },
      {
        name: "max-age",
        type: "value",
        placeholder: "AGE",
        summary: "since last use, e.g. 30d (default: store.max-age)",
      },
      { name: "dry-run", type: "flag", summary: "say what would go, and change nothing" },
      JSON_OPTION,
    ],
    examples: ["foregone gc", "foregone gc --max-size 1GiB --dry-run"],
    load: () => import("../commands/gc.ts"),
  },
  {
    name: "verify",
    summary: "check every byte of the store: exit 1 if something is wrong",
    usage: "[--repair] [--json]",
    details:
      "Hashes every blob again, authenticates every line, decodes every record and looks for all that it needs.\nWhat a killed process left behind is not wrong; `foregone gc` removes it.",
    options: [
      { name: "repair", type: "flag", summary: "remove what is wrong: the next run makes it anew" },
      JSON_OPTION,
    ],
    load: () => import("../commands/verify.ts"),
  },
  {
    name: "stats",
    summary: "show what the store holds, what was decided and what it saved",
    usage: "[--json]",
    options: [JSON_OPTION],
    load: () => import("../commands/stats.ts"),
  },
];
