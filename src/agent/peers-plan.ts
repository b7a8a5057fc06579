// Whether this agent takes part in a mesh, and as what: settings, secret, identity, network. Anything missing is a reason to be off,
// never an error: jobs then run as without peers.
import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { networkOf } from "../cli/shared-stores.ts";
import type { Config } from "../config/settings.ts";
import { readGrant } from "../peers/grant.ts";
import { isPrivate } from "../peers/address.ts";
import { peerIdOf, signerOf } from "../peers/identity.ts";
import { DEFAULT_LIMITS, type MeshLimits } from "../peers/mesh-options.ts";
import { meshKey, type MeshKeys, meshKeys, stretched } from "../peers/mesh-key.ts";
import type { RecordWriter } from "../peers/peers-store.ts";
import type { StoreFiles } from "../ports.ts";

export interface PeersPlan {
  readonly network: string;
  readonly keys: MeshKeys;
  readonly seed: Uint8Array;
  readonly rootKeys: readonly Uint8Array[];
  readonly limits: MeshLimits;
  readonly interfaces: readonly string[];
  readonly ports: readonly number[];
  /** Undefined once it is over, or when there is none. */
  readonly writer: (now: number) => RecordWriter | undefined;
  /** Things to say once. */
  readonly notes: readonly string[];
}

export interface PlanInputs {
  readonly config: Config;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly files: StoreFiles;
  /** Absolute: where the identity is kept. */
  readonly folder: string;
}

const NO_SECRET = "FOREGONE_MESH_SECRET is not set: foregone peers new-secret";

/** @returns why not, in one line */
export async function peersPlan({ config, cwd, env, files, folder }: PlanInputs): Promise<PeersPlan | string> {
  if (!config["p2p.enabled"]) return "p2p.enabled is false";
  const network = networkOf({ cwd, env }, config);
  if (network === undefined) return "no repository here to name the mesh: set p2p.network.network_id";
  const notes: string[] = [];
  const keys = await keysOf(config, env, network, notes);
  if (typeof keys === "string") return keys;
  const rootKeys = config["p2p.security.access_control.root_keys"].map(keyIn);
  const wrong = rootKeys.indexOf(undefined);
  if (wrong >= 0)
    return `p2p.security.access_control.root_keys[${wrong}] is no Ed25519 public key (32 bytes, base64url)`;
  const roots = rootKeys.filter((key) => key !== undefined);
  const seed = identity(files, join(folder, "agent", "peer-key"));
  return {
    network,
    keys,
    seed,
    rootKeys: roots,
    limits: limitsOf(config),
    interfaces: interfacesOf(config["p2p.network.listen.addresses"]),
    ports: portsOf(config),
    writer: writerOf(env["FOREGONE_MESH_GRANT"], roots, network, peerIdOf(signerOf(seed).publicKey), notes),
    notes,
  };
}

async function keysOf(
  config: Config,
  env: PlanInputs["env"],
  network: string,
  notes: string[],
): Promise<MeshKeys | string> {
  const iterations = config["p2p.security.encryption.key_derivation.pbkdf2_iterations"];
  const secret = env["FOREGONE_MESH_SECRET"];
  if (secret !== undefined && secret !== "") {
    const keys = await meshKeys(secret, network, iterations);
    return "problem" in keys ? `FOREGONE_MESH_SECRET: ${keys.problem}` : keys;
  }
  if (!config["p2p.security.encryption.key_derivation.use_github_token"]) return NO_SECRET;
  const token = env["GH_TOKEN"] || env["GITHUB_TOKEN"];
  if (token === undefined || token === "")
    return `${NO_SECRET}; use_github_token finds neither GH_TOKEN nor GITHUB_TOKEN`;
  if (token.startsWith("ghs_"))
    notes.push(
      "use_github_token: a job's token differs in each job, so this mesh has one member; set FOREGONE_MESH_SECRET",
    );
  return [meshKey(await stretched(token, network, iterations), 1, network)];
}

function keyIn(text: string): Uint8Array | undefined {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "base64url");
  return bytes.length === 32 ? bytes : undefined;
}

function limitsOf(config: Config): MeshLimits {
  return {
    ...DEFAULT_LIMITS,
    maxPeers: config["p2p.network.connections.max_peers"],
    handshakeMs: config["p2p.network.connections.timeout"],
    keepAliveMs: config["p2p.network.connections.keepalive_interval"],
    maxMessagesPerSecond: config["p2p.performance.throttling.max_messages_per_sec"],
    maxBytesPerSecond: config["p2p.performance.throttling.max_bandwidth_per_peer"],
    maxContentBytes: config["p2p.security.content_verification.max_content_size"],
    memoryBytes: config["store.memory"],
    ringAfterMs: config["p2p.network.ring_after"],
    livenessMs: config["p2p.discovery.github.peer_ttl_minutes"],
  };
}

/** `private`: interfaces with a private address; none of them: loopback, so that agents of one machine still share. */
function interfacesOf(asked: readonly string[]): readonly string[] {
  return asked.flatMap((each) => {
    if (each !== "private") return [each];
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const found = all.filter(({ address, internal }) => !internal && isPrivate(address)).map(({ address }) => address);
    return found.length > 0 ? found : ["127.0.0.1"];
  });
}

function portsOf(config: Config): readonly number[] {
  const one = config["p2p.listen_port"];
  if (one !== null) return [one];
  const [start, end] = [config["p2p.network.listen.port_range.start"], config["p2p.network.listen.port_range.end"]];
  return Array.from({ length: Math.max(0, Math.min(end - start + 1, 1024)) }, (_, n) => start + n);
}

const SEED_BYTES = 32;

/** Kept, so that a peer that restarts is the same one. Damaged or unwritable: a new one for this life. */
function identity(files: StoreFiles, path: string): Uint8Array {
  try {
    const kept = files.read(path, 64)?.bytes;
    if (kept?.length === SEED_BYTES) return kept;
    files.mkdir(dirname(path));
    files.unlink(path);
    const seed = randomBytes(SEED_BYTES);
    const fd = files.create(path);
    files.write(fd, seed);
    files.close(fd);
    return seed;
  } catch {
    return randomBytes(SEED_BYTES);
  }
}

function writerOf(
  text: string | undefined,
  rootKeys: readonly Uint8Array[],
  network: string,
  id: Uint8Array,
  notes: string[],
): PeersPlan["writer"] {
  if (text === undefined || text === "") return () => undefined;
  const bytes = Buffer.from(text, "base64url");
  const grant = readGrant(bytes, rootKeys);
  const [scope] = grant?.scopes ?? [];
  if (grant === undefined || scope === undefined || grant.network !== network || Buffer.compare(grant.peer, id) !== 0) {
    notes.push("FOREGONE_MESH_GRANT is not signed by a root key for this peer and network: no records are written");
    return () => undefined;
  }
  return (now) => (now >= grant.notBefore && now < grant.expiresAt ? { scope, grant: bytes } : undefined);
}
