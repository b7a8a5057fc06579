// What options of several groups have in common.
import type { OptionSpec } from "../command.ts";

/** A unix socket, to serve at or to ask. */
export function socketOption(summary: string): OptionSpec {
  return { name: "socket", type: "value", placeholder: "PATH", summary };
}

/** A file for what is printed otherwise. */
export function outOption(summary: string, short?: "o"): OptionSpec {
  return { name: "out", ...(short !== undefined && { short }), type: "value", placeholder: "FILE", summary };
}
