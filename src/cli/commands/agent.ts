// foregone agent start | status | stop | logs | install.
import { askAgent } from "../../agent/client.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { durationText } from "../../report/units.ts";
import { agentHere, statusOf, statusText } from "../agent/here.ts";
import type { CliContext, Parsed } from "../command.ts";
import { printNotes } from "../configuration.ts";
import { tell } from "../tell.ts";

export { install } from "../agent/install.ts";
export { logs } from "../agent/logs.ts";
export { start } from "../agent/start.ts";

export async function status(context: CliContext, parsed: Parsed): Promise<number> {
  const { place, resolved } = await agentHere(context);
  printNotes(context, resolved);
  const answer = await statusOf(place);
  if (parsed.flags.has("json")) context.stdout.write(`${JSON.stringify(answer ?? null, undefined, 2)}\n`);
  else
    context.stdout.write(
      answer === undefined ? `agent      not running; everything works directly\n` : statusText(answer),
    );
  return answer === undefined ? EXIT.wrong : EXIT.done;
}

/** Ten seconds: services get five to finish, and the rest is our own slack. */
const STOP_DEADLINE_MS = 10_000;

export async function stop(context: CliContext, parsed: Parsed): Promise<number> {
  const { place } = await agentHere(context);
  const running = await statusOf(place);
  if (running === undefined) {
    tell(context, parsed, { stopped: null }, "agent      not running\n");
    return EXIT.done;
  }
  await askAgent(place.socket, { method: "POST", path: "/v1/stop" });
  const until = performance.now() + STOP_DEADLINE_MS;
  while (isAlive(running.pid)) {
    if (performance.now() > until)
      throw new ForegoneError("E_LOCKED", `the agent (pid ${running.pid}) did not stop in 10 s`, {
        hint: `kill -9 ${running.pid} loses nothing`,
      });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const text = `agent      stopped, pid ${running.pid} after ${durationText(running.upMs)}\n`;
  tell(context, parsed, { stopped: { pid: running.pid, upMs: running.upMs } }, text);
  return EXIT.done;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
