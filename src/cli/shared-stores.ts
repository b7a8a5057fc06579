// The shared stores of a process, from its configuration and environment: which there are, whether their records may be written
// from here, and why not. Whatever is wrong with them is one line, and the process goes on without.
import { readFileSync } from "node:fs";
import type { ResolvedConfig } from "../config/resolve.ts";
import { gitEnvironment, HARMLESS } from "../memo/git-facts.ts";
import { nodeHasher, nodeRunner, systemClock, systemRandom } from "../node/ports.ts";
import type { OnStoreEvent } from "../store/events.ts";
import type { SharedLayer } from "../store/shared.ts";
import { type Signing, signingKey } from "../store/signed.ts";

type Config = ResolvedConfig["config"];
type Env = Readonly<Record<string, string>>;
interface Place {
  readonly cwd: string;
  readonly env: Env;
}

/** What members of one network have in common. */
export interface Fleet {
  /** "github.com/acme/shop" */
  readonly network: string;
  readonly space: string;
  readonly secret: Uint8Array;
  /** For keyed digests of environment values: with a key of its own, no machine would find another's records. */
  readonly envKey: Uint8Array;
}

export interface Problem {
  readonly problem: string;
  readonly hint?: string;
}

/** @returns undefined: no secret is set, so this machine is no member of anything */
export async function fleetOf(place: Place, config: Config): Promise<Fleet | Problem | undefined> {
  const text = place.env["FOREGONE_MESH_SECRET"];
  if (!text) return undefined;
  const network = networkOf(place, config);
  if (network === undefined)
    return {
      problem: "no repository to share with: no GITHUB_REPOSITORY, no remote origin",
      hint: "set p2p.network.network_id",
    };
  const { meshKeys } = await import("../peers/mesh-key.ts");
  const keys = await meshKeys(text, network, config["p2p.security.encryption.key_derivation.pbkdf2_iterations"]);
  if ("problem" in keys) return { problem: `FOREGONE_MESH_SECRET: ${keys.problem}`, hint: "foregone shared new-key" };
  const [{ kid, store, env }] = keys;
  return { network, space: kid.toString("hex"), secret: store, envKey: env };
}

/** `p2p.network.network_id`, or `host/owner/repository`, so that one secret for many repositories keeps them apart. */
export function networkOf({ cwd, env }: Place, config: Config): string | undefined {
  const named = config["p2p.network.network_id"];
  if (named !== null) return named;
  const { GITHUB_REPOSITORY: repository, GITHUB_SERVER_URL: server = "https://github.com" } = env;
  if (repository) return `${server.replace(/^\w+:\/\//, "")}/${repository}`.toLowerCase();
  const asked = nodeRunner.run(["git", ...HARMLESS, "config", "--get", "remote.origin.url"], {
    cwd,
    env: gitEnvironment(env),
  });
  const url = asked.status === 0 ? Buffer.from(asked.stdout).toString().trim() : "";
  const [, host, path] = /^(?:\w+:\/\/)?(?:[^@/]+@)?([^/:]+)(?::\d+)?[/:](.+?)(?:\.git)?\/?$/.exec(url) ?? [];
  return host === undefined || path === undefined ? undefined : `${host}/${path}`.toLowerCase();
}

/** Whether entries made here are written to shared stores. */
export type Writing = { readonly writes: true } | { readonly writes: false; readonly why: string };

/** What `store.trust` means for this process. @returns undefined: every member is believed */
function signingOf(config: Config, env: Env, network: string): Signing | Problem | undefined {
  if (config["store.trust"] === "members") return undefined;
  const text = env["FOREGONE_SIGNING_KEY"];
  const seed = text ? keyBytes(text) : undefined;
  if (text && seed === undefined)
    return { problem: "FOREGONE_SIGNING_KEY is not 32 bytes in base64url or hex", hint: "foregone shared new-key" };
  const key = seed === undefined ? undefined : signingKey(seed);
  const trusted = config["store.trusted-keys"].flatMap((each) => keyBytes(each) ?? []);
  // Who holds a key may as well believe it.
  return { key, trusted: key === undefined ? trusted : [...trusted, key.publicKey], network };
}

function keyBytes(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? "hex" : "base64url");
  return bytes.length === 32 ? bytes : undefined;
}

const OWN_EVENTS = new Set(["push", "schedule", "workflow_dispatch", "merge_group"]);

/**
 * In Actions only jobs of the default branch, of protected branches and of merge queues write, whatever they hold. This keeps honest
 * jobs honest; what keeps out the others is that they do not have the signing key.
 */
export function writingOf(signing: Signing | undefined, env: Env): Writing {
  if (signing !== undefined && signing.key === undefined)
    return { writes: false, why: "FOREGONE_SIGNING_KEY is not set here" };
  if (env["GITHUB_ACTIONS"] !== "true") return { writes: true };
  const { GITHUB_EVENT_NAME: event = "", GITHUB_REF: ref = "", GITHUB_REF_PROTECTED, GITHUB_RUN_ATTEMPT } = env;
  if (!OWN_EVENTS.has(event)) return { writes: false, why: `a job of ${event || "no event"} does not write` };
  // docs/soundness.md, T5: a job that needed another attempt is flaky.
  if (GITHUB_RUN_ATTEMPT !== undefined && GITHUB_RUN_ATTEMPT !== "1")
    return { writes: false, why: `attempt ${GITHUB_RUN_ATTEMPT} does not write: only first attempts are evidence` };
  if (GITHUB_REF_PROTECTED === "true" || event === "merge_group") return { writes: true };
  const branch = defaultBranchOf(env);
  if (branch !== undefined && ref === `refs/heads/${branch}`) return { writes: true };
  return { writes: false, why: `${ref || "no branch"} is neither protected nor the default branch` };
}

function defaultBranchOf(env: Env): string | undefined {
  try {
    const event = JSON.parse(readFileSync(env["GITHUB_EVENT_PATH"] ?? "", "utf8")) as {
      readonly repository?: { readonly default_branch?: string };
    };
    return event.repository?.default_branch;
  } catch {
    return undefined;
  }
}

export interface SharedStores {
  readonly layers: readonly (SharedLayer & { readonly shown: string })[];
  readonly writing: Writing;
  readonly problems: readonly Problem[];
}

const NONE: SharedStores = {
  layers: [],
  writing: { writes: false, why: "no shared store" },
  problems: [],
};

/**
 * @param fleet as `fleetOf` found it
 * @param lives this process outlives its failures: it connects again
 */
export async function openSharedStores(
  { env }: Pick<Place, "env">,
  config: Config,
  fleet: Fleet | Problem | undefined,
  onEvent: OnStoreEvent,
  lives = false,
): Promise<SharedStores> {
  const urls = config["store.shared"];
  if (urls.length === 0) return NONE;
  if (fleet === undefined)
    return {
      ...NONE,
      problems: [{ problem: "store.shared needs FOREGONE_MESH_SECRET", hint: "foregone shared new-key" }],
    };
  if ("problem" in fleet) return { ...NONE, problems: [fleet] };
  const [{ openShared }, { parseSharedAddress }] = await Promise.all([
    import("../store/shared.ts"),
    import("../store/shared-address.ts"),
  ]);
  const signing = signingOf(config, env, fleet.network);
  if (signing !== undefined && "problem" in signing) return { ...NONE, problems: [signing] };
  const writing = writingOf(signing, env);
  const problems: Problem[] = [];
  const layers: (SharedLayer & { shown: string })[] = [];
  for (const url of urls) {
    const address = parseSharedAddress(url, env);
    if ("problem" in address) {
      problems.push({ problem: `store.shared: ${address.problem}` });
      continue;
    }
    const same = layers.filter(({ store }) => store.name.startsWith(address.engine)).length;
    const layer = await openShared(same === 0 ? address.engine : `${address.engine}${same + 1}`, address, {
      ...fleet,
      signing,
      writes: writing.writes,
      keepMs: config["store.max-age"],
      deadlineMs: config["store.deadline"],
      maxFailures: config["store.retry-after-failures"],
      ...(lives && { restMs: 30_000 }),
      effects: { clock: systemClock, hasher: nodeHasher, random: systemRandom },
      onEvent,
    });
    layers.push({ ...layer, shown: address.shown });
  }
  return { layers, writing, problems };
}
