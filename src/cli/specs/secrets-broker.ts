// `foregone secrets broker`: for a unit, or for the agent.
import { type CommandSpec, JSON_OPTION } from "../command.ts";
import { socketOption } from "./options.ts";

export const brokerSpec: CommandSpec = {
  name: "broker",
  summary: "serve jobs that prove who they are, over a unix socket, until told to stop",
  usage: "[--socket PATH]",
  details:
    "Run it under a user of its own: jobs must be able to reach nothing of it but the socket. Its settings come from\n" +
    "FOREGONE_CONFIG and the environment, never from a repository's files.",
  options: [
    socketOption("default: secrets.broker.socket"),
    {
      name: "supervised",
      type: "flag",
      summary: "for the agent: counts as JSON lines on stdout, and an end when stdin ends",
    },
    JSON_OPTION,
  ],
  examples: ["FOREGONE_CONFIG=/etc/foregone/broker.yml foregone secrets broker"],
  load: () => import("../commands/secrets-broker.ts"),
};
