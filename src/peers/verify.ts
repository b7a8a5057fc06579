// What a peer sent becomes bytes that may be used, or nothing. Nothing is released before the last check.
import { equalBytes } from "./bytes.ts";
import { type Claim, judgeClaim } from "./claim.ts";
import type { Mesh } from "./mesh.ts";
import { peerIdText } from "./identity.ts";
import type { GetRequest } from "./owner.ts";
import { cidOf, isKidKnown, openValue } from "./seal.ts";
import { newestFirst, type SealedValue } from "./wire.ts";

export interface Fetched {
  readonly claim: Claim;
  readonly plain: Buffer;
}

/**
 * The values that hold, newest first.
 * @param sender whose fault it is if a CID, a signature or the key is wrong: the writer never made such a thing. A seal that does
 *   not open under the right CID and signature is the writer's doing.
 */
export function verifiedValues(
  mesh: Mesh,
  sender: Uint8Array,
  request: GetRequest,
  values: readonly SealedValue[],
): readonly Fetched[] {
  const good: Fetched[] = [];
  for (const { signed, sealed } of [...values].sort(newestFirst)) {
    const { claim } = signed;
    const asked = { keyHash: request.keyHash, now: mesh.options.clock.now() };
    const fault = judgeClaim(signed, asked, mesh.rules);
    const isOdd = claim.kind !== request.kind || !request.scopes.includes(claim.scope);
    if (fault === "signature" || fault === "key" || isOdd || !equalBytes(cidOf(sealed), claim.cid)) {
      mesh.options.onEvent({ kind: "peer-bad-bytes", peer: peerIdText(sender) });
      mesh.deny(sender);
      return [];
    }
    if (fault !== undefined || mesh.gate.isDenied(claim.writer, mesh.options.clock.monotonicMs())) continue;
    const plain = openValue(mesh.options.keys, claim, sealed);
    if (plain !== undefined) good.push({ claim, plain });
    // Sealed under an epoch that we no longer have: nobody's fault.
    else if (isKidKnown(mesh.options.keys, sealed)) {
      mesh.options.onEvent({ kind: "peer-bad-value", writer: peerIdText(claim.writer) });
      mesh.deny(claim.writer);
    }
  }
  return good;
}
