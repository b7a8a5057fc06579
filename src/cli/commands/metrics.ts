// foregone metrics: the counters of this store, whoever counted them. Gauges are the agent's, if one runs.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { lineText, prometheusText } from "../../report/exposition.ts";
import type { Metrics } from "../../report/metrics.ts";
import { metricsPanel } from "../../report/panel.ts";
import { CounterReader } from "../../store/counters.ts";
import type { CliContext, Parsed } from "../command.ts";
import { openStoreFor } from "../wiring.ts";
import { agentHere, askUsable } from "../agent/here.ts";

/** Credentials that have changed are listed by processes of their own, which a busy machine starts slowly. */
const LOOK_MS = 10_000;

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const [json, prometheus] = [parsed.flags.has("json"), parsed.flags.has("prometheus")];
  if (json && prometheus) throw new ForegoneError("E_USAGE", "--json and --prometheus exclude each other");
  const here = await agentHere(context);
  const metrics =
    (await askUsable<Metrics>(here, { path: "/v1/metrics", deadlineMs: LOOK_MS })) ??
    new CounterReader(openStoreFor(context, here.resolved).folder).read();
  if (json) context.stdout.write(`${JSON.stringify(metrics, undefined, 2)}\n`);
  else if (prometheus) context.stdout.write(prometheusText(metrics));
  else context.stdout.write(panelText(metrics));
  return EXIT.done;
}

function panelText(metrics: Metrics): string {
  const lines: string[] = [];
  for (const { title, lines: group } of metricsPanel(metrics)) {
    lines.push(title);
    for (const line of group) lines.push(`  ${line.label.padEnd(22)} ${lineText(line)}`);
  }
  return `${lines.join("\n")}\n`;
}
