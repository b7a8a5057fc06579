// Commands of the main job.
import { type CommandSpec, JSON_OPTION } from "../command.ts";

export const mainSpecs: readonly CommandSpec[] = [
  {
    name: "doctor",
    summary: "say what works here and what to mend: observer, settings, store, git, agent, credentials",
    usage: "[--json]",
    options: [JSON_OPTION],
    load: () => import("../commands/doctor.ts"),
  },
  {
    name: "tracer",
    summary: "the part of the observer that needs root; started by foregone itself",
    usage: "",
    hidden: true,
    options: [],
    load: () => import("../commands/tracer.ts"),
  },
];
