// A store folder of one test on the real disk.
import { openFolder, type StoreEffects, type StoreFolder } from "../store/folder.ts";
import { diskEffects } from "./disk-effects.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export { diskEffects };

export function diskFolder(effects: Partial<StoreEffects> = {}): StoreFolder {
  return openFolder({ ...diskEffects, ...effects }, temporaryFolder());
}
