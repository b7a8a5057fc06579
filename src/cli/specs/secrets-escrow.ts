// `foregone secrets export` and `import`: escrow as an age file.
import { type CommandSpec, JSON_OPTION, type OptionSpec } from "../command.ts";
import { outOption } from "./options.ts";

export const escrowSpecs = (scope: OptionSpec): readonly CommandSpec[] => [
  {
    name: "export",
    summary: "write credentials to an age file, for escrow or another machine",
    usage: "--to age1... | --passphrase  [--scope S] [--out FILE]",
    options: [
      { name: "to", type: "value", placeholder: "age1...", summary: "who can open it" },
      {
        name: "passphrase",
        type: "flag",
        summary: "whoever knows a passphrase can (FOREGONE_EXPORT_PASSPHRASE or a prompt)",
      },
      scope,
      outOption("a new file of mode 0600; default: standard output"),
      { name: "with-master-key", type: "flag", summary: "also the master key: who opens the file opens the store" },
    ],
    load: () => import("../commands/secrets-export.ts"),
  },
  {
    name: "import",
    summary: "take credentials from an age file, all or none",
    usage: "FILE [--identity FILE] [--replace] [--json]",
    options: [
      {
        name: "identity",
        type: "value",
        placeholder: "FILE",
        summary: "age identity; without it a passphrase is asked",
      },
      { name: "replace", type: "flag", summary: "also names that are there already" },
      JSON_OPTION,
    ],
    load: () => import("../commands/secrets-import.ts"),
  },
];
