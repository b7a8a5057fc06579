// foregone peers grant: signs that a peer may write records, in some scopes, for a day at most.
import { ForegoneError } from "../../core/errors.ts";
import { nodeFiles, systemClock } from "../../node/ports.ts";
import { MAX_GRANT_MS, signGrant } from "../../peers/grant.ts";
import { parsePeerId, signerOf } from "../../peers/identity.ts";
import { type MeshScope, parseMeshScope } from "../../peers/scope.ts";
import { Unreadable } from "../../ports.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf, expandPath } from "../configuration.ts";
import { networkOf } from "../shared-stores.ts";

/** Clocks of two machines differ by less. */
const BEFORE_MS = 60_000;

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const { config } = await configurationOf(context);
  const peer = parsePeerId(needed(parsed, "peer"));
  if (peer === undefined) throw usage("--peer wants an id such as 12D3KooW..., as `foregone peers` shows it");
  const network = parsed.values.get("network") ?? networkOf(context, config);
  if (network === undefined) throw usage("no repository here to name the network: --network host/owner/repository");
  const hours = Number(parsed.values.get("hours") ?? "24");
  if (!(hours > 0 && hours <= 24)) throw usage("--hours wants a number up to 24");
  const notBefore = systemClock.now() - BEFORE_MS;
  const grant = signGrant(rootOf(context, needed(parsed, "root-key")), {
    peer,
    network,
    scopes: scopesOf(parsed.lists.get("scope") ?? ["protected"]),
    notBefore,
    expiresAt: notBefore + Math.min(MAX_GRANT_MS, hours * 3_600_000 + BEFORE_MS),
  });
  context.stdout.write(`${grant.toString("base64url")}\n`);
  context.stderr.write(`foregone: set it as FOREGONE_MESH_GRANT of that peer's agent; it ends in ${hours} h\n`);
  return 0;
}

function scopesOf(texts: readonly string[]): readonly MeshScope[] {
  return texts.map((text) => {
    const scope = text === "" ? undefined : parseMeshScope(text);
    if (scope === undefined) throw usage(`--scope knows protected, branch:REF and pr:N, not "${text}"`);
    return scope;
  });
}

function rootOf(context: CliContext, file: string): ReturnType<typeof signerOf> {
  const path = expandPath(file, context);
  const bytes = nodeFiles.read(path, 256);
  const seed =
    bytes === undefined || bytes instanceof Unreadable
      ? Buffer.alloc(0)
      : Buffer.from(Buffer.from(bytes).toString().trim(), "base64url");
  if (seed.length !== 32)
    throw new ForegoneError("E_KEY", `${path} holds no root key`, { hint: `foregone peers root-key ${file}` });
  return signerOf(seed);
}

function needed(parsed: Parsed, name: string): string {
  const value = parsed.values.get(name);
  if (value === undefined) throw usage(`--${name} is missing`);
  return value;
}

function usage(message: string): ForegoneError {
  return new ForegoneError("E_USAGE", message, { hint: "foregone peers grant --help" });
}
