// foregone peers: the mesh as this machine's agent sees it.
import { EXIT } from "../../core/errors.ts";
import { peersText } from "../../report/peers.ts";
import { peersHere } from "../peers/here.ts";
import type { CliContext, Parsed } from "../command.ts";
import { printNotes } from "../configuration.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const { resolved, status, off } = await peersHere(context);
  printNotes(context, resolved);
  const least = resolved.config["p2p.network.connections.min_peers"];
  if (parsed.flags.has("json")) context.stdout.write(`${JSON.stringify(status ?? { off }, undefined, 2)}\n`);
  else if (status === undefined) {
    context.stdout.write(`peers      off: ${off ?? "unknown"}\n`);
    context.stderr.write("foregone: hint: foregone peers doctor\n");
  } else {
    context.stdout.write(peersText(status));
    if (status.peers.length === 0) context.stderr.write("foregone: hint: nobody answers? foregone peers doctor\n");
  }
  return parsed.flags.has("check") && (status?.peers.length ?? 0) < least ? EXIT.wrong : EXIT.done;
}
