// A store folder of one test on the real disk.
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import { openFolder, type StoreEffects, type StoreFolder } from "../store/folder.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const diskEffects: StoreEffects = {
  files: nodeStoreFiles,
  hasher: nodeHasher,
  clock: systemClock,
  random: systemRandom,
};

export function diskFolder(effects: Partial<StoreEffects> = {}): StoreFolder {
  return openFolder({ ...diskEffects, ...effects }, temporaryFolder());
}
