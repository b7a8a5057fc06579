// The agent: whether one answers, and which of its services do not.
import { durationText } from "../../report/units.ts";
import { agentHere, statusOf } from "../agent/here.ts";
import type { CliContext } from "../command.ts";
import { VERSION } from "../version.ts";
import { type Fact, failure } from "./fact.ts";

export async function agentFacts(context: CliContext): Promise<readonly Fact[]> {
  const name = "agent";
  try {
    const { place, resolved } = await agentHere(context);
    if (!resolved.config["agent.enabled"]) return [{ status: "ok", name, text: "not used: agent.enabled is false" }];
    const status = await statusOf(place);
    if (status === undefined)
      return [{ status: "note", name, text: "not running; everything works directly", mend: "foregone agent start" }];
    const { pid, upMs, version, services } = status;
    const is = (wanted: string) => Object.entries(services).filter(([, { state }]) => state === wanted);
    const up = is("up").map(([service]) => service);
    const text = `up ${durationText(upMs)}, pid ${pid}: ${up.join(", ")}`;
    return [
      version === VERSION
        ? { status: "ok", name, text }
        : {
            status: "note",
            name,
            text: `${text}; it runs version ${version}`,
            mend: "foregone agent stop && foregone agent start",
          },
      ...is("off").map(([service, { detail = "" }]): Fact => ({
        status: "ok",
        name,
        text: `${service} off: ${detail}`,
      })),
      ...is("failed").map(([service, { detail = "" }]): Fact => ({
        status: "fail",
        name,
        text: `${service} failed: ${detail}`,
        mend: "foregone agent logs",
      })),
    ];
  } catch (error) {
    return [failure(name, error)];
  }
}
