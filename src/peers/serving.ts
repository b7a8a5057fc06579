// Answers what other members ask. Every request costs them a place in a bounded table and us a bounded amount of work.
import { hexKey } from "./bytes.ts";
import { encodeMap } from "./cbor.ts";
import type { Kind } from "./claim.ts";
import { FRAME, type Frame } from "./frame.ts";
import type { Member } from "./member.ts";
import type { Mesh } from "./mesh.ts";
import {
  decodeChanged,
  decodeGet,
  decodeKeys,
  decodePeers,
  decodeRelease,
  encodeFound,
  encodeMiss,
  encodeWait,
} from "./messages.ts";
import type { Asker, GetRequest, GrantedLease } from "./owner.ts";
import { sealedBy } from "./publish.ts";
import { sendValues } from "./send-values.ts";
import { Assembly, decodeValues } from "./wire.ts";

/** Values that one peer sends at a time. */
const MAX_PUTS = 32;
/** Blobs being read from the disk for one peer at a time. */
const MAX_READS = 8;

interface Served extends Asker {
  readonly member: Member;
  /** Requests that wait: id -> key. */
  readonly waiting: Map<number, Uint8Array>;
  readonly puts: Map<number, Assembly>;
  reads: number;
}

export class Serving {
  readonly #mesh: Mesh;
  readonly #served = new Map<Member, Served>();
  /** Large blobs that this peer offered: key -> their name. */
  readonly #offered = new Map<string, string>();

  constructor(mesh: Mesh) {
    this.#mesh = mesh;
  }

  take(member: Member, frame: Frame): void {
    const served = this.#of(member);
    if (!this.#handle(served, frame)) member.session.close("protocol");
  }

  gone(member: Member): void {
    const served = this.#served.get(member);
    if (served === undefined) return;
    this.#served.delete(member);
    for (const assembly of served.puts.values()) assembly.end();
    this.#mesh.owner.gone(served);
  }

  /** This peer serves the blob of that name from its own store from now on. */
  offer(key: Uint8Array, name: string): void {
    this.#offered.set(hexKey(key), name);
    // 65,536 x ~300 B; the oldest offers are forgotten.
    const [oldest] = this.#offered.keys();
    if (this.#offered.size > 65_536 && oldest !== undefined) this.#offered.delete(oldest);
  }

  /** @returns false: what no correct peer sends */
  #handle(served: Served, { type, id, body }: Frame): boolean {
    const { owner } = this.#mesh;
    switch (type) {
      case FRAME.get: {
        const request = decodeGet(body);
        if (request !== undefined) this.#get(served, id, request);
        return request !== undefined;
      }
      case FRAME.put:
        return this.#put(served, id, body);
      case FRAME.find: {
        const keys = decodeKeys(body);
        if (keys === undefined) return false;
        const found = keys.map((key) => owner.has(key) || this.#offered.has(hexKey(key)));
        served.member.session.send(FRAME.found, id, [encodeFound(found)]);
        return true;
      }
      case FRAME.have: {
        const keys = decodeKeys(body);
        for (const key of keys ?? []) owner.hint(key, served.id);
        return keys !== undefined;
      }
      case FRAME.cancel: {
        const key = served.waiting.get(id);
        if (key !== undefined) owner.gaveUp(key, served, id);
        return served.waiting.delete(id) || true;
      }
      case FRAME.release: {
        const release = decodeRelease(body);
        if (release !== undefined) owner.release(release.keyHash, served, release.token);
        return release !== undefined;
      }
      case FRAME.peers: {
        const told = decodePeers(body);
        for (const { addresses } of told?.peers ?? [])
          for (const address of addresses) this.#mesh.addAddress(address, "peer");
        if (told?.reachable === true) this.#mesh.setReachable();
        if (told !== undefined) this.#mesh.dialer.tick();
        return told !== undefined;
      }
      case FRAME.invalidate: {
        const changed = decodeChanged(body);
        if (changed !== undefined) this.#mesh.options.onChanged?.(changed);
        return changed !== undefined;
      }
      default:
        // An answer to a question that we did not ask, or no longer.
        return true;
    }
  }

  #get(served: Served, id: number, request: GetRequest): void {
    const { session } = served.member;
    const name = request.kind === "blob" ? this.#offered.get(hexKey(request.keyHash)) : undefined;
    const answer = this.#mesh.owner.get(request, served, id);
    if (answer.kind === "values") return served.value(id, answer.values);
    if (answer.kind === "wait") {
      served.waiting.set(id, request.keyHash);
      return session.send(FRAME.wait, id, [encodeWait(answer)]);
    }
    if (name !== undefined && served.reads < MAX_READS) return void this.#fromStore(served, id, request.kind, name);
    session.send(FRAME.miss, id, [encodeMiss(answer)]);
  }

  async #fromStore(served: Served, id: number, kind: Kind, name: string): Promise<void> {
    const { options } = this.#mesh;
    served.reads++;
    const plain = await options.blobs?.(name).catch(() => undefined);
    served.reads--;
    if (plain === undefined || plain.length > options.limits.maxContentBytes)
      return served.member.session.send(FRAME.miss, id, [encodeMiss({ kind: "miss", holders: [] })]);
    served.value(id, [sealedBy(this.#mesh, { kind, name, plain })]);
  }

  #put(served: Served, id: number, body: Buffer): boolean {
    const { allowance, options, owner } = this.#mesh;
    let assembly = served.puts.get(id);
    if (assembly === undefined) {
      if (served.puts.size >= MAX_PUTS) return false;
      served.puts.set(id, (assembly = new Assembly(allowance, options.limits.maxContentBytes)));
    }
    const whole = assembly.push(body);
    if (whole === "more") return true;
    served.puts.delete(id);
    assembly.end();
    // A copy: it is kept, and what it came in is larger.
    const values = whole === "fault" ? undefined : decodeValues(Buffer.from(whole));
    const [value] = values ?? [];
    if (value === undefined || values?.length !== 1) return false;
    const fault = this.#mesh.gate.isDenied(value.signed.claim.writer, options.clock.monotonicMs())
      ? "grant"
      : owner.put(value);
    if (fault === "cid" || fault === "signature") {
      options.onEvent({ kind: "peer-bad-bytes", peer: served.member.name });
      this.#mesh.deny(served.id);
      return true;
    }
    served.member.session.send(FRAME.putAck, id, [encodeMap(fault === undefined ? {} : { fault })]);
    return true;
  }

  #of(member: Member): Served {
    const before = this.#served.get(member);
    if (before !== undefined) return before;
    const { session } = member;
    const served: Served = {
      id: member.id,
      member,
      waiting: new Map(),
      puts: new Map(),
      reads: 0,
      value: (request, values) => {
        served.waiting.delete(request);
        member.counts.served++;
        sendValues(member, FRAME.value, request, values);
      },
      granted: (request, lease: GrantedLease) => {
        served.waiting.delete(request);
        session.send(FRAME.miss, request, [encodeMiss({ kind: "miss", lease, holders: [] })]);
      },
    };
    this.#served.set(member, served);
    return served;
  }
}
