// `foregone secrets broker`: the broker in the foreground, for a unit of its own or as a child of the agent.
import { EXIT } from "../../core/errors.ts";
import { growSlowly } from "../../node/heap.ts";
import { startBroker } from "../../secrets/broker.ts";
import type { CliContext, Parsed } from "../command.ts";
import { expandPath, withoutRepository } from "../configuration.ts";
import { brokerOptions } from "../secrets/broker-wiring.ts";
import { secretsShell } from "../secrets/context.ts";
import { Voice } from "../voice.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  growSlowly();
  const voice = new Voice(context, false);
  const shell = await secretsShell(withoutRepository(context));
  const named = parsed.values.get("socket");
  const socket = named === undefined ? undefined : expandPath(named, context);
  const options = brokerOptions(shell, socket, (line) => voice.say(line));
  const supervised = parsed.flags.has("supervised");
  const tell = (numbers: object): void => void context.stdout.write(`${JSON.stringify(numbers)}\n`);
  const broker = await startBroker({ ...options, ...(supervised && { onServed: tell }) });
  const facts = { socket: broker.socket, audience: options.token.audience, issuer: options.token.issuer };
  context.stdout.write(
    supervised || parsed.flags.has("json")
      ? `${JSON.stringify(facts)}\n`
      : `socket    ${facts.socket}\naudience  ${facts.audience}\nissuer    ${facts.issuer}\n`,
  );
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    if (supervised) context.stdin.once("end", resolve).once("error", resolve).resume();
  });
  await broker.close();
  const { opened, denied, stored } = broker.status();
  voice.say(`${opened} opened, ${denied} denied, ${stored} stored`);
  return EXIT.done;
}
