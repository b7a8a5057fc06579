// The credential broker as the agent runs it: a process of its own, so that neither proxy, peers nor page share one with the master
// key. If the agent may (root), it runs as the owner of the credentials' folder. The child lives as long as its standard input is
// open: an agent that was killed leaves no broker behind that would keep the socket from the next one.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { once } from "node:events";
import type { Log } from "./log.ts";

export interface BrokerProgram {
  /** Node and our script; absolute paths. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whom to run as; undefined: as the agent. Needs root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Absolute. */
  readonly socket: string;
  readonly log: Log;
}

/** What the broker counted since it started; as `foregone secrets broker --supervised` prints it. */
export interface BrokerNumbers {
  readonly opened: number;
  readonly denied: number;
  readonly stored: number;
}

export interface BrokerProcess {
  readonly audience: string;
  numbers(): BrokerNumbers;
  /** Resolves when it is gone, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** A passphrase takes 0.3 s to derive, a key command some seconds. */
const START_DEADLINE_MS = 15_000;
const NONE: BrokerNumbers = { opened: 0, denied: 0, stored: 0 };

/** @throws Error with the broker's own words if it does not start */
export async function startBrokerProcess(options: BrokerProgram): Promise<BrokerProcess> {
  const [file = "", ...args] = options.program;
  const child = spawn(file, [...args, "secrets", "broker", "--supervised", "--socket", options.socket], {
    cwd: "/",
    env: options.env,
    stdio: ["pipe", "pipe", "pipe"],
    ...options.owner,
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    said.push(line.replace(/^foregone: (?:error \w+: )?/, ""));
    if (said.length > 3) said.shift();
    options.log.write("info", `broker: ${line.replace(/^foregone: /, "")}`);
  });
  let numbers = NONE;
  let ready: ((audience: string | undefined) => void) | undefined;
  const audience = new Promise<string | undefined>((resolve) => (ready = resolve));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const told = parse(line);
    if (told?.audience !== undefined) ready?.(told.audience);
    else if (told !== undefined) numbers = { ...NONE, ...told };
  });
  const late = AbortSignal.timeout(START_DEADLINE_MS);
  const given = await Promise.race([audience, ended, once(late, "abort")]);
  if (typeof given !== "string") {
    child.kill("SIGKILL");
    await ended;
    throw new Error(said[0] ?? "the broker did not start");
  }
  return { audience: given, numbers: () => numbers, ended, stop: () => child.stdin.end() };
}

function parse(line: string): Partial<BrokerNumbers & { readonly audience: string }> | undefined {
  try {
    const told: unknown = JSON.parse(line);
    return typeof told === "object" && told !== null ? told : undefined;
  } catch {
    return undefined;
  }
}
