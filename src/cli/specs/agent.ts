import { type CommandSpec, JSON_OPTION } from "../command.ts";

const agent = (name: "start" | "status" | "stop" | "logs" | "install") => async () => ({
  run: (await import("../commands/agent.ts"))[name],
});

export const agentSpecs: readonly CommandSpec[] = [
  {
    name: "agent",
    summary: "one process for all jobs of a machine: warm store, API proxy, broker, metrics, dashboard",
    usage: "COMMAND",
    details:
      "Without an agent everything works directly. It serves one user and one store, over sockets that only that user can\n" +
      "open and a loopback port. Killing it loses nothing.",
    options: [],
    subcommands: [
      {
        name: "start",
        summary: "start the agent, and return when it serves",
        usage: "[--foreground] [--json]",
        options: [{ name: "foreground", type: "flag", summary: "stay here, for a service manager" }, JSON_OPTION],
        load: agent("start"),
      },
      {
        name: "status",
        summary: "what runs, since when, and what it answered: exit 0 if an agent answers, 1 if none does",
        usage: "[--json]",
        options: [JSON_OPTION],
        load: agent("status"),
      },
      {
        name: "stop",
        summary: "stop the agent; answers in flight finish",
        usage: "[--json]",
        options: [JSON_OPTION],
        load: agent("stop"),
      },
      {
        name: "logs",
        summary: "print the end of the agent's log",
        usage: "[--lines N] [--follow]",
        options: [
          { name: "lines", short: "n", type: "value", placeholder: "N", summary: "so many lines; 50 unless told" },
          { name: "follow", short: "f", type: "flag", summary: "go on with what comes" },
        ],
        load: agent("logs"),
      },
      {
        name: "install",
        summary: "show a systemd unit for this machine, and install it with --write",
        usage: "[--write] [--remove]",
        options: [
          { name: "write", type: "flag", summary: "write the unit and start it" },
          { name: "remove", type: "flag", summary: "stop the unit and remove it" },
        ],
        details: "As root it is a unit of the system, else one of your user.",
        load: agent("install"),
      },
    ],
  },
  {
    name: "dashboard",
    summary: "open the dashboard in a browser: decisions, savings, quota, peers, credentials",
    usage: "[--print | --json] [--port N]",
    options: [
      JSON_OPTION,
      { name: "print", type: "flag", summary: "print the address instead of opening it" },
      { name: "port", type: "value", placeholder: "N", summary: "loopback port if no agent runs; 0: any free one" },
    ],
    details: "Uses the agent's, or serves one until it is interrupted. The address holds its key: do not share it.",
    load: () => import("../commands/dashboard.ts"),
  },
  {
    name: "metrics",
    summary: "print what was counted: skips, savings, API calls, scans, credentials",
    usage: "[--prometheus | --json]",
    options: [{ name: "prometheus", type: "flag", summary: "in Prometheus' text format" }, JSON_OPTION],
    load: () => import("../commands/metrics.ts"),
  },
];
