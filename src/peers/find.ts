// Which of many blobs no peer has: each owner is asked once for all that are its, then the second owners for what is left.
import type { Digest } from "../core/digest.ts";
import { keyHash } from "./claim.ts";
import { FRAME } from "./frame.ts";
import type { Mesh, Target } from "./mesh.ts";
import { decodeFound, encodeKeys, MAX_KEYS } from "./messages.ts";
import { OWNERS } from "./ring.ts";

const FIND_MS = 1000;

/** An owner that does not answer has nothing. */
export async function findMissing(mesh: Mesh, digests: readonly Digest[]): Promise<readonly Digest[]> {
  let left = digests;
  for (let rank = 0; rank < OWNERS && left.length > 0; rank++) {
    const byOwner = new Map<Target, Digest[]>();
    for (const digest of left) {
      const owner = mesh.ownersOf(keyHash("blob", digest))[rank];
      if (owner === undefined) continue;
      const its = byOwner.get(owner);
      if (its === undefined) byOwner.set(owner, [digest]);
      else its.push(digest);
    }
    const found = await Promise.all([...byOwner].map(([owner, its]) => foundAt(mesh, owner, its)));
    const here = new Set(found.flat());
    left = left.filter((digest) => !here.has(digest));
  }
  return left;
}

async function foundAt(mesh: Mesh, owner: Target, digests: readonly Digest[]): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for (let at = 0; at < digests.length; at += MAX_KEYS) {
    const part = digests.slice(at, at + MAX_KEYS);
    const keys = part.map((digest) => keyHash("blob", digest));
    const answers = owner === "self" ? keys.map((key) => mesh.owner.has(key)) : await asked(owner, keys);
    found.push(...part.filter((_, n) => answers[n] === true));
  }
  return found;
}

function asked(owner: Exclude<Target, "self">, keys: readonly Uint8Array[]): Promise<readonly boolean[]> {
  return new Promise((resolve) => {
    const done = (found: readonly boolean[]): void => {
      clearTimeout(timer);
      if (id !== undefined) owner.session.forget(id);
      resolve(found);
    };
    const timer = setTimeout(() => done([]), FIND_MS).unref();
    const id = owner.session.ask(FRAME.find, [encodeKeys(keys)], (frame) =>
      done(frame?.type === FRAME.found ? (decodeFound(frame.body, keys.length) ?? []) : []),
    );
    if (id === undefined) done([]);
  });
}
