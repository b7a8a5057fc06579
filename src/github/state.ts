// What the API cache keeps beside its store: the secret of its trust domain, and the verdicts about the tag rule. One folder
// of its own, so that clearing it touches nothing else (docs/decisions/0041-own-folder-own-key.md).
import type { Random } from "../ports.ts";
import { type StoreFolder, guarded, removeQuietly } from "../store/folder.ts";
import { StoreError } from "../store/store.ts";
import type { KeySource } from "./proxy.ts";
import type { RuleFile } from "./rules.ts";
import { deriveKeys } from "./seal.ts";

const SECRET_BYTES = 32;
const GENERATION_BYTES = 16;
const MAX_RULE_BYTES = 256 * 1024;

/**
 * @param fleetSecret 32 bytes that all machines of the fleet hold; without it this machine is a fleet of one
 * @throws StoreError if the folder cannot be read or written
 */
export function keySource(folder: StoreFolder, random: Random, fleetSecret?: Uint8Array): KeySource {
  // Two files: a machine that joins a fleet begins with the fleet's first generation, whatever it kept before.
  const path = `${folder.path}/${fleetSecret === undefined ? "api-secret" : "api-fleet"}`;
  const derive = (bytes: Uint8Array): KeySource["keys"] =>
    deriveKeys(
      fleetSecret ?? bytes.subarray(0, SECRET_BYTES),
      Buffer.from(bytes.subarray(SECRET_BYTES)).toString("hex"),
    );
  return {
    keys: derive(read(folder, path) ?? make(folder, path, random, fleetSecret !== undefined)),
    renew() {
      removeQuietly(folder.files, path);
      // Not the fleet's first generation again: that one's bytes may still be in the store.
      return derive(make(folder, path, random, false));
    },
  };
}

/** For a process without a store. */
export function passingKeys(random: Random): KeySource {
  const make = (): KeySource["keys"] => deriveKeys(random.bytes(SECRET_BYTES), "");
  return { keys: make(), renew: make };
}

function read(folder: StoreFolder, path: string): Uint8Array | undefined {
  return guarded(`read ${path}`, () => {
    const found = folder.files.read(path, 4096);
    // Damaged is like cleared: a new secret, and what the old one sealed is lost.
    return found?.bytes.length === SECRET_BYTES + GENERATION_BYTES ? found.bytes : undefined;
  });
}

/** @param first the generation that all members of a fleet begin with */
function make(folder: StoreFolder, path: string, random: Random, first: boolean): Uint8Array {
  const generation = first ? new Uint8Array(GENERATION_BYTES) : random.bytes(GENERATION_BYTES);
  const bytes = Buffer.concat([random.bytes(SECRET_BYTES), generation]);
  return guarded(`write ${path}`, () => {
    const { files } = folder;
    const temporary = `${path}.${Buffer.from(random.bytes(8)).toString("hex")}`;
    const fd = files.create(temporary);
    try {
      files.write(fd, bytes);
    } finally {
      files.close(fd);
    }
    // Of several processes that begin at once one wins; a damaged file loses.
    if (files.read(path, 4096)?.bytes.length !== bytes.length) removeQuietly(files, path);
    const won = files.link(temporary, path);
    removeQuietly(files, temporary);
    const kept = won ? bytes : read(folder, path);
    if (kept === undefined) throw new StoreError("disk", "EKEY", `the API cache's secret ${path} vanished`);
    return kept;
  });
}

export function ruleFile(folder: StoreFolder, random: Random): RuleFile {
  const path = `${folder.path}/api-rule.json`;
  return {
    load() {
      try {
        const found = folder.files.read(path, MAX_RULE_BYTES);
        return found && Buffer.from(found.bytes).toString();
      } catch {
        return undefined;
      }
    },
    save(text) {
      const temporary = `${path}.${Buffer.from(random.bytes(8)).toString("hex")}`;
      try {
        const fd = folder.files.create(temporary);
        try {
          folder.files.write(fd, Buffer.from(text));
        } finally {
          folder.files.close(fd);
        }
        folder.files.rename(temporary, path);
      } catch {
        removeQuietly(folder.files, temporary);
      }
    },
  };
}
