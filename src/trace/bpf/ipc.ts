// System V objects: those that the run made for itself are its own business, all others come from outside.
import type { NamedCall } from "./call-table.ts";

const IPC_CREAT_EXCL = 0o3000;

export class OwnIpc {
  readonly #ids = new Map<string, Set<number>>();

  /**
   * @param ret of a get: the id
   * @param extra key of a get, id of an attach
   */
  isOwn({ name, call }: NamedCall, ret: number, extra: number, flags: number): boolean {
    const family = name.slice(0, 3);
    const own = this.#ids.get(family);
    if (call.kind === "ipc-attach") return own?.has(extra) === true;
    const made = extra === 0 || (flags & IPC_CREAT_EXCL) === IPC_CREAT_EXCL;
    if (!made) return own?.has(ret) === true;
    if (own === undefined) this.#ids.set(family, new Set([ret]));
    else own.add(ret);
    return true;
  }
}
