// The tracer in a process of its own, as `foregone run` starts it by `sudo -n`. Settings come on stdin, one line goes to
// stdout, and everything else goes over the socket.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { runDaemon, type DaemonSettings } from "../../trace/bpf/daemon.ts";
import { loadLibc } from "../../trace/ffi.ts";
import type { CliContext } from "../command.ts";

const MAX_SETTINGS_BYTES = 65_536;

export async function run(context: CliContext): Promise<number> {
  const settings = await readSettings(context.stdin);
  const say = (line: object): void => void context.stdout.write(`${JSON.stringify(line)}\n`);
  // The caller goes away when it has read the line; that must not end a job's tracer.
  context.stdout.on("error", () => undefined);
  context.stderr.on("error", () => undefined);
  const libc = await loadLibc();
  if ("unavailable" in libc) {
    say({ refused: libc.unavailable });
    return EXIT.wrong;
  }
  await runDaemon(libc, settings, say);
  return EXIT.done;
}

async function readSettings(stdin: NodeJS.ReadableStream): Promise<DaemonSettings> {
  let text = "";
  for await (const chunk of stdin) {
    text += String(chunk);
    if (text.length > MAX_SETTINGS_BYTES) break;
  }
  const wrong = (): ForegoneError =>
    new ForegoneError("E_USAGE", "tracer: stdin holds no settings", { hint: "this command is for foregone itself" });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong();
  }
  if (typeof value !== "object" || value === null) throw wrong();
  const { socket, uid, hardLimitMs, ringBytes, roots, rootNames } = value as Record<string, unknown>;
  const isPids = (v: unknown): v is number[] => Array.isArray(v) && v.every((n) => Number.isInteger(n) && n > 0);
  if (
    typeof socket !== "string" ||
    !socket.startsWith("/") ||
    !Number.isInteger(uid) ||
    typeof hardLimitMs !== "number"
  )
    throw wrong();
  return {
    socket,
    uid: uid as number,
    hardLimitMs,
    ...(Number.isInteger(ringBytes) && { ringBytes: ringBytes as number }),
    ...(isPids(roots) && { roots }),
    ...(Array.isArray(rootNames) && { rootNames: rootNames.map(String) }),
  };
}
