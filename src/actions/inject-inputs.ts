// What a workflow asks of inject-credentials. A mistake is a text; nothing of a value is in it.
import { type Mode, MODES } from "../core/access.ts";
import { MAX_NAMES } from "../secrets/broker-protocol.ts";
import { valueFault } from "../secrets/values.ts";
import { nameFault } from "../secrets/variable-name.ts";
import type { Host } from "./host.ts";

export interface OwnCredential {
  readonly name: string;
  readonly value: Buffer;
  readonly scope: string;
  readonly ttlSeconds: number;
}

export interface InjectInputs {
  readonly names: readonly string[];
  readonly own: readonly OwnCredential[];
  readonly mode: Mode;
  readonly audience: string | undefined;
  readonly runnerId: string | undefined;
  readonly socket: string | undefined;
  readonly githubToken: string | undefined;
}

/** The founding default, and GitHub's longest job. */
const DEFAULT_TTL_HOURS = 24;

export function readInputs(host: Host): InjectInputs | { readonly mistake: string } {
  const mode = host.input("mode") || "output";
  if (!MODES.includes(mode as Mode)) return { mistake: `mode: one of ${MODES.join(", ")}, not "${mode}"` };
  const names = host
    .input("credential-names")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const own = readCredentials(host.input("credentials") || "[]");
  if (typeof own === "string") return { mistake: `credentials: ${own}` };
  const all = [...names, ...own.map((c) => c.name)];
  const wrong = all.find((name) => nameFault(name) !== undefined);
  if (wrong !== undefined) return { mistake: `no value may be handed over as "${wrong}" (${nameFault(wrong)})` };
  // Outputs of the step itself, which a credential must not speak for.
  if (all.some((name) => name.toLowerCase() === "status")) return { mistake: '"status" is an output of this step' };
  const twice = all.find((name, i) => all.indexOf(name) !== i);
  if (twice !== undefined) return { mistake: `"${twice}" is asked for twice` };
  if (all.length > MAX_NAMES) return { mistake: `at most ${MAX_NAMES} names` };
  const optional = (name: string): string | undefined => host.input(name) || undefined;
  return {
    names,
    own,
    mode: mode as Mode,
    audience: optional("audience"),
    runnerId: optional("runner-id"),
    socket: optional("socket"),
    githubToken: optional("github-token"),
  };
}

function readCredentials(text: string): readonly OwnCredential[] | string {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return "not JSON; write values as toJSON(secrets.X), or a quote in one breaks it";
  }
  if (!Array.isArray(list)) return "not a list";
  const read = (list as readonly unknown[]).map(readCredential);
  return read.find((entry) => typeof entry === "string") ?? read.filter((entry) => typeof entry !== "string");
}

function readCredential(entry: unknown, i: number): OwnCredential | string {
  if (typeof entry !== "object" || entry === null) return `entry ${i} is not an object`;
  const { name, value, scope = "repo", ttl_hours: hours = DEFAULT_TTL_HOURS } = entry as Record<string, unknown>;
  if (typeof name !== "string" || typeof value !== "string") return `entry ${i} has no name or value`;
  const fault = valueFault(Buffer.from(value));
  if (fault !== undefined) return `the value of "${name}" is ${fault}`;
  // 0 meant "for ever" to the founding implementation.
  if (typeof hours !== "number" || !Number.isFinite(hours) || hours <= 0)
    return `ttl_hours of "${name}" must be above 0`;
  if (typeof scope !== "string") return `the scope of "${name}" is not text`;
  return { name, value: Buffer.from(value), scope, ttlSeconds: Math.floor(hours * 3600) };
}
