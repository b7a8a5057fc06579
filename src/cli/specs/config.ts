import { type CommandSpec, JSON_OPTION } from "../command.ts";

const load = (name: "show" | "validate" | "schema") => async () => ({
  run: (await import("../commands/config.ts"))[name],
});

export const configSpecs: readonly CommandSpec[] = [
  {
    name: "config",
    summary: "show, check and describe the configuration",
    usage: "COMMAND",
    options: [],
    subcommands: [
      {
        name: "show",
        summary: "print the settings in force, all or those below KEY",
        usage: "[KEY...] [--origin] [--changed] [--json]",
        options: [
          { name: "origin", type: "flag", summary: "say where each value came from" },
          { name: "changed", type: "flag", summary: "only what is not a default" },
          JSON_OPTION,
        ],
        examples: ["foregone config show skip --origin", "foregone config show --changed"],
        load: load("show"),
      },
      {
        name: "validate",
        summary: "check the files and variables: exit 0 if sound, 2 if not",
        usage: "[--json]",
        options: [JSON_OPTION],
        load: load("validate"),
      },
      {
        name: "schema",
        summary: "print the JSON Schema of a configuration file, for editors",
        usage: "[cache-config|p2p-config]",
        options: [],
        examples: ["foregone config schema > .github/cache-config.schema.json"],
        load: load("schema"),
      },
    ],
  },
];
