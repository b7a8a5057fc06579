// Puts the main job together for one command line: effects, store, configuration, machine. The only place that knows all.
import { arch, availableParallelism, platform, release, totalmem } from "node:os";
import type { Digest } from "../core/digest.ts";
import { decodeRecord } from "../core/record-codec.ts";
import type { ActionRecord } from "../core/record.ts";
import { type CommandParts, type Decided, decideCommand, type Effects, recordSource } from "../memo/memo.ts";
import type { RecordSource } from "../memo/lookup.ts";
import type { MachineFacts } from "../memo/platform.ts";
import { nodeFiles, nodeFileWriter, nodeHasher, nodeRunner, systemClock, systemRandom } from "../node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../node/store-files.ts";
import { type OpenStore, openStore, storeRoot } from "../store/open.ts";
import type { StoreFolder } from "../store/folder.ts";
import { StoreError } from "../store/store.ts";
import { readWitness, type Witness } from "../store/witness.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import type { CliContext, Parsed } from "./command.ts";
import { storeRootOf } from "./configuration.ts";
import { type ChosenOptions, skipOptions } from "./skip-options.ts";
import { diskAlone, type StoreLayers, storeLayers } from "./store-layers.ts";
import { storeTrouble } from "./store-trouble.ts";

export const effects: Effects = {
  clock: systemClock,
  random: systemRandom,
  hasher: nodeHasher,
  files: nodeFiles,
  writer: nodeFileWriter,
  runner: nodeRunner,
};

export interface Wired extends OpenStore {
  readonly parts: CommandParts;
  readonly chosen: ChosenOptions;
  /** Close it when the command is over. */
  readonly layers: StoreLayers;
}

/**
 * @param resolved whose `store.directory` counts; undefined: the environment alone, for a wrong configuration
 * @throws ForegoneError E_STORE when no store can be opened; `run` then runs without one
 */
export function openStoreFor(
  context: Pick<CliContext, "cwd" | "env">,
  resolved: ResolvedConfig | undefined,
): OpenStore {
  try {
    const root = resolved === undefined ? storeRoot(context.env, context.cwd) : storeRootOf(context, resolved);
    return openStore({ ...effects, files: nodeStoreFiles }, { FOREGONE_CACHE_DIR: root }, context.cwd);
  } catch (error) {
    throw storeTrouble(error);
  }
}

/** @param tolerant of a wrong configuration: for `run`, which must run the command all the same */
export async function wire(context: CliContext, parsed: Parsed, tolerant: boolean): Promise<Wired> {
  const chosen = await skipOptions(context, parsed, tolerant);
  const open = openStoreFor(context, chosen.resolved);
  return assemble(context, chosen, parsed.operands, open, await storeLayers(context, chosen.resolved, open));
}

/**
 * @param layers by default this machine's disk alone
 * @throws ForegoneError E_STORE
 */
export function assemble(
  context: CliContext,
  chosen: ChosenOptions,
  argv: readonly string[],
  open: OpenStore = openStoreFor(context, chosen.resolved),
  layers: StoreLayers = diskAlone(open),
): Wired {
  const { folder } = open;
  const { store } = layers;
  const records: RecordSource = recordSource(store, decode, async (id) => {
    const [witness, record] = [witnessOf(folder, id), await records.load(id)];
    if (witness === undefined || "why" in record) return undefined;
    const { observations } = record.trace;
    return (i) => ({ value: observations[i]?.value ?? "", holds: (stat) => witness.holds(i, stat) });
  });
  const parts: CommandParts = {
    argv,
    cwd: context.cwd,
    env: context.env,
    options: chosen.skip,
    machine: machineFacts(),
    store,
    records,
    envKey: layers.envKey,
    backend: backendOf(chosen.backend),
    ephemeral: context.env["RUNNER_ENVIRONMENT"] === "github-hosted",
    effects,
  };
  return { parts, chosen, store, folder, layers };
}

/** The decision as it would be made now: nothing is run, and an audit draw is for runs. */
export async function decidedNow(
  context: CliContext,
  parsed: Parsed,
): Promise<{ readonly parts: CommandParts; readonly decided: Decided }> {
  const { parts, layers } = await wire(context, parsed, false);
  try {
    return { parts, decided: await decideCommand({ ...parts, options: { ...parts.options, audit: 0 } }) };
  } finally {
    for (const note of layers.notes()) context.stderr.write(`foregone: note: ${note}\n`);
    layers.close();
  }
}

/** Records without witnesses: for records whose observations are not files. */
export function storedRecords(store: OpenStore["store"]): RecordSource {
  return recordSource(store, decode, async () => undefined);
}

/** Reading all contents again is the only price of a witness that cannot be had. */
function witnessOf(folder: StoreFolder, id: Digest): Witness | undefined {
  try {
    return readWitness(folder, id);
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

function machineFacts(): MachineFacts {
  return {
    os: platform(),
    arch: arch(),
    kernel: release(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    uid: process.getuid?.() ?? -1,
  };
}

/** The back end a run would have: a decision must not pay for a self-test. A wrong guess only means `no-record`. */
function backendOf(chosen: ChosenOptions["backend"]): string {
  if (chosen !== "auto") return chosen;
  if (platform() !== "linux") return "none";
  return process.getuid?.() === 0 ? "ebpf" : "notify";
}

function decode(bytes: Uint8Array): ActionRecord | { readonly why: string } {
  const decoded = decodeRecord(bytes, nodeDeflate);
  switch (decoded.kind) {
    case "record":
      return decoded.record;
    case "newer":
      return { why: `written by a newer version (format ${decoded.version})` };
    case "corrupt":
      return { why: `corrupt: ${decoded.why}` };
    default:
      return decoded satisfies never;
  }
}
