// What a stopped execve is about to run: its arguments, and whether the program expects rights that it will not get.
import type { Bytes } from "../event.ts";
import type { Asked } from "./asked.ts";
import type { RemoteMemory } from "./remote.ts";
import type { Here, World } from "./world.ts";

const PAGE = 4096;
const ARGV_BYTES = 4096;
const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;

/** The first 4 KiB of the arguments; the last one may be cut. @throws Unread */
export function argvOf(memory: RemoteMemory, asked: Asked, argument: number): Bytes[] {
  const size = asked.narrow ? 4 : 8;
  const argv: Bytes[] = [];
  let at = asked.wide[argument] ?? 0;
  let left = ARGV_BYTES;
  while (at !== 0 && left > 0) {
    // Never across a page: the array may end there.
    const length = Math.min(32 * size, PAGE - (at % PAGE));
    const pointers = Buffer.from(memory.bytes(asked.tid, at, length));
    for (let i = 0; i + size <= length; i += size) {
      const address = pointers.readUInt32LE(i) + (asked.narrow ? 0 : pointers.readUInt32LE(i + 4) * 2 ** 32);
      const text = left > 0 ? memory.string(asked.tid, address, left) : undefined;
      if (text === undefined) return argv;
      argv.push(text);
      left -= text.length + 1;
    }
    at += length;
  }
  return argv;
}

/** Setuid, setgid, file capabilities: NO_NEW_PRIVS withholds them. A program that gains nothing new is none of these. */
export function gainsRights(world: World, path: string, here: Here): boolean {
  const uid = process.geteuid?.();
  if ((here.mode & S_ISUID) !== 0 && here.uid !== uid) return true;
  if ((here.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) return true;
  return uid !== 0 && world.hasCapabilities(path);
}
