// The effects of a store on the real disk.
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import type { StoreEffects } from "../store/folder.ts";

export const diskEffects: StoreEffects = {
  files: nodeStoreFiles,
  hasher: nodeHasher,
  clock: systemClock,
  random: systemRandom,
};
