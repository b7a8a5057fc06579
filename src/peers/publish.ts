// Sending a value to the owners of its key: sealed and signed once, the same bytes to both.
import { keyHash, type Kind, MAX_LIFE_MS, signClaim } from "./claim.ts";
import { sha256 } from "./bytes.ts";
import { FRAME } from "./frame.ts";
import type { Member } from "./member.ts";
import type { Mesh } from "./mesh.ts";
import { encodeKeys } from "./messages.ts";
import { ANY, type MeshScope } from "./scope.ts";
import { cidOf, sealValue } from "./seal.ts";
import { sendValues } from "./send-values.ts";
import type { SealedValue } from "./wire.ts";

export interface Plain {
  readonly kind: Kind;
  /** A Digest: of an Action, or of a blob. */
  readonly name: string;
  readonly plain: Uint8Array;
  /** Records only. */
  readonly scope?: MeshScope;
  readonly grant?: Uint8Array;
}

/** Larger ones stay where they are, and the owners are told who has them. */
export const MAX_PUSHED_BYTES = 1024 * 1024;
/** Below a layer's deadline: the other owner's answer is not thrown away with it. */
const ACK_MS = 1500;

export function sealedBy(mesh: Mesh, { kind, name, plain, scope = ANY, grant }: Plain): SealedValue {
  const { keys, signer } = mesh.options;
  const createdAt = mesh.nextCreatedAt();
  const facts = {
    keyHash: keyHash(kind, name),
    digest: sha256(plain),
    writer: mesh.id,
    expiresAt: createdAt + MAX_LIFE_MS[kind],
  };
  const sealed = sealValue(keys[0], facts, plain);
  const claim = { kind, ...facts, cid: cidOf(sealed), size: sealed.length, scope, createdAt };
  return { signed: signClaim(signer, { ...claim, ...(grant !== undefined && { grant }) }), sealed };
}

/** @returns how many owners have it now; 0: nobody, which is a miss later */
export async function publish(mesh: Mesh, value: Plain): Promise<number> {
  const key = keyHash(value.kind, value.name);
  const owners = mesh.ownersOf(key);
  if (value.kind === "blob" && value.plain.length > MAX_PUSHED_BYTES) {
    mesh.offer(key, value.name);
    for (const owner of owners) if (owner !== "self") owner.session.send(FRAME.have, 0, [encodeKeys([key])]);
    return owners.length;
  }
  const sealed = sealedBy(mesh, value);
  const kept = await Promise.all(
    owners.map(async (owner) => (owner === "self" ? mesh.owner.put(sealed) === undefined : sent(owner, sealed))),
  );
  return kept.filter(Boolean).length;
}

function sent(member: Member, value: SealedValue): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (took: boolean): void => {
      clearTimeout(timer);
      if (id !== undefined) member.session.forget(id);
      resolve(took);
    };
    const timer = setTimeout(() => done(false), ACK_MS).unref();
    const id = member.session.expect((frame) => done(frame?.type === FRAME.putAck && frame.body.length <= 1));
    if (id === undefined) done(false);
    else sendValues(member, FRAME.put, id, [value]);
  });
}
