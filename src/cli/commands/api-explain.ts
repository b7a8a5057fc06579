// `foregone api explain`: why the last answers of one address were what they were.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { Explained } from "../../github/explain.ts";
import { askRunning } from "../api/client.ts";
import { apiSettings } from "../api/settings.ts";
import { explainedLines } from "../api/words.ts";
import type { CliContext, Parsed } from "../command.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const [what, ...more] = parsed.operands;
  if (what === undefined || more.length > 0)
    throw new ForegoneError("E_USAGE", "want one URL or PATH", { hint: "foregone api explain /repos/cli/cli" });
  const { socket, config } = await apiSettings(context, parsed);
  const [first = "api.github.com"] = config["api.hosts"];
  const [host = first, ...root] = first.split("/");
  const url = URL.canParse(what) ? new URL(what) : undefined;
  const address =
    url === undefined
      ? { host, path: `${root.length > 0 ? `/${root.join("/")}` : ""}/${what.replace(/^\/+/, "")}` }
      : { host: url.host, path: `${url.pathname}${url.search}` };
  const answers = (await askRunning(socket, "POST", "explain", address)) as readonly Explained[];
  if (parsed.flags.has("json")) context.stdout.write(`${JSON.stringify(answers)}\n`);
  else if (answers.length > 0) context.stdout.write(`${explainedLines(answers).join("\n")}\n`);
  if (answers.length > 0) return EXIT.done;
  context.stderr.write(
    `foregone: note: the running proxy has not been asked for ${address.path} of ${address.host} (the query counts)\n`,
  );
  return EXIT.wrong;
}
