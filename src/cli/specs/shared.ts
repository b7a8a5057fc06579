// Commands of shared stores (docs/stores.md).
import { type CommandSpec, JSON_OPTION } from "../command.ts";

export const sharedSpecs: readonly CommandSpec[] = [
  {
    name: "shared",
    summary: "shared stores: make the keys of a fleet",
    usage: "new-key",
    options: [],
    subcommands: [
      {
        name: "new-key",
        summary: "make a mesh secret and a signing key, and say where each belongs",
        usage: "[--json]",
        details:
          "Nothing is kept. The secret goes to every job and machine that may read; the signing key only to those whose records\nall others are to believe. A new secret starts with an empty store.",
        options: [JSON_OPTION],
        examples: ["foregone shared new-key"],
        load: () => import("../commands/shared-new-key.ts"),
      },
    ],
  },
];
