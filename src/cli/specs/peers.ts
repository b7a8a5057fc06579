import { type CommandSpec, JSON_OPTION } from "../command.ts";

export const peersSpecs: readonly CommandSpec[] = [
  {
    name: "peers",
    summary: "machines that share one warm cache, with no server to run: who is there, and how it goes",
    usage: "[--json] [--check] | COMMAND",
    details:
      "The agent of each machine is one peer. Members hold FOREGONE_MESH_SECRET; without it peers are off.\n" +
      "docs/peers.md says how to set a fleet up, and when a shared store is the better choice.",
    options: [
      JSON_OPTION,
      { name: "check", type: "flag", summary: "exit 1 if fewer peers are connected than `min_peers`" },
    ],
    load: () => import("../commands/peers.ts"),
    subcommands: [
      {
        name: "doctor",
        summary: "why nobody answers: looks at the secret, the agent, ports, addresses and registries in turn",
        usage: "[--json]",
        options: [JSON_OPTION],
        load: () => import("../commands/peers-doctor.ts"),
      },
      {
        name: "new-secret",
        summary: "print a new mesh secret, to be set as FOREGONE_MESH_SECRET on every machine",
        usage: "[--epoch N]",
        options: [
          {
            name: "epoch",
            type: "value",
            placeholder: "N",
            summary: "of a rotation: one more than the last; default 1",
          },
        ],
        load: () => import("../commands/peers-new-secret.ts"),
      },
      {
        name: "root-key",
        summary: "make the key that signs grants, in a new file; print its public half for `root_keys`",
        usage: "FILE",
        options: [],
        load: () => import("../commands/peers-root-key.ts"),
      },
      {
        name: "grant",
        summary: "sign that a peer may write records, for a day at most; print FOREGONE_MESH_GRANT",
        usage: "--root-key FILE --peer ID [--network ID] [--scope SCOPE] [--hours N]",
        options: [
          { name: "root-key", type: "value", placeholder: "FILE", summary: "made by `foregone peers root-key`" },
          { name: "peer", type: "value", placeholder: "ID", summary: "12D3Koo..., as `foregone peers` shows it" },
          { name: "network", type: "value", placeholder: "ID", summary: "host/owner/repository; default: this one" },
          {
            name: "scope",
            type: "list",
            placeholder: "SCOPE",
            summary: "protected, branch:REF or pr:N; default protected",
          },
          { name: "hours", type: "value", placeholder: "N", summary: "1 to 24; default 24" },
        ],
        details: "Only machines whose jobs nobody outside can change get `protected`: what they write, all believe.",
        load: () => import("../commands/peers-grant.ts"),
      },
    ],
  },
];
