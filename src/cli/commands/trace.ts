// `foregone trace`: runs the command observed and prints what it asked of the world. Nothing is decided and nothing is recorded.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { toInputPath } from "../../core/input-path.ts";
import { exitCodeOf } from "../../memo/execute.ts";
import { findWorkspace } from "../../memo/workspace.ts";
import { gapText } from "../../report/misses.ts";
import { plural } from "../../report/units.ts";
import type { Interpreted } from "../../trace/interpret/interpreted.ts";
import type { CliContext, Parsed } from "../command.ts";
import { observerFor } from "../observers.ts";
import { sayNotStarted } from "../child.ts";
import { mountOf } from "../run-command.ts";
import { skipOptions } from "../skip-options.ts";
import { effects } from "../wiring.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  if (parsed.operands.length === 0)
    throw new ForegoneError("E_USAGE", "no command given", {
      exitCode: EXIT.ownUsage,
      hint: "foregone trace -- npm test",
    });
  const { backend, resolved } = await skipOptions(context, parsed, false);
  const { observer, notice } = await observerFor(backend, resolved?.config);
  if (notice !== undefined) context.stderr.write(`foregone: ${notice}\n`);
  const { makeInterpreter } = await import("../../trace/interpret/interpreter.ts");
  const interpreter = makeInterpreter({
    files: effects.files,
    ...mountOf(),
    startNs: BigInt(effects.clock.now()) * 1_000_000n,
    tempRoots: ["/tmp", "/var/tmp", "/dev/shm"],
  });
  // The trace is the data, so it has stdout; the command's own output goes to stderr.
  const observed = await observer.run({
    argv: parsed.operands,
    cwd: context.cwd,
    env: context.env,
    onOutput: (_stream, bytes) => void context.stderr.write(bytes),
    onEvent: (event) => interpreter.onEvent(event),
  });
  if (observed.exit.kind === "not-started") sayNotStarted(context, parsed.operands, observed.exit.errno);
  const seen = interpreter.finish(observed.seal);
  const { roots } = findWorkspace(context.cwd, context.env, effects.files);
  const name = (path: string): string => toInputPath(path, roots);
  context.stdout.write(
    parsed.flags.has("json") ? `${JSON.stringify(toJson(seen, name), null, 1)}\n` : toText(seen, name),
  );
  return exitCodeOf(observed.exit);
}

function toText({ looks, changes, gitCalls, connections, gaps }: Interpreted, name: (path: string) => string): string {
  const width = 10;
  const lines = [
    ...looks.map(({ kind, path, by }) => `${kind.padEnd(width)} ${name(path)}  ${by}`),
    ...[...changes.values()].map(
      ({ path, before, removed }) =>
        `${(removed ? "removed" : "changed").padEnd(width)} ${name(path)}  before: ${before}`,
    ),
    ...gitCalls.map(
      ({ use, ask, by }) => `${"git".padEnd(width)} ${use}${ask === undefined ? "" : `: git ${ask.join(" ")}`}  ${by}`,
    ),
    ...connections.map(
      ({ hosts, address, port, by }) => `${"network".padEnd(width)} ${hosts[0] ?? address}:${port}  ${by}`,
    ),
    ...gaps.map((gap) => `${"gap".padEnd(width)} ${gapText(gap)}`),
    `${plural(looks.length, "look")}, ${plural(changes.size, "change")}, ${plural(gaps.length + connections.length, "gap")}`,
  ];
  return `${lines.join("\n")}\n`;
}

function toJson(seen: Interpreted, name: (path: string) => string): unknown {
  return {
    looks: seen.looks.map(({ path, ...look }) => ({ ...look, path: name(path) })),
    changes: [...seen.changes.values()].map(({ path, ...change }) => ({ ...change, path: name(path) })),
    gitCalls: seen.gitCalls,
    connections: seen.connections,
    gaps: seen.gaps,
    processes: seen.processes.map(({ pid, argv, by }) => ({ pid, argv, by })),
  };
}
