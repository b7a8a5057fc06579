// HELLO, HELLO_ACK, AUTH, AUTH: the order in which two peers prove membership. The dialer proves it first.
import { randomBytes } from "node:crypto";
import type { Duplex } from "./duplex.ts";
import { FRAME, type Frame } from "./frame.ts";
import { agreedKey, decodeHello, encodeAuth, encodeHello, type Hello, helloMac, isAuth } from "./hello.ts";
import type { MeshKey, MeshKeys } from "./mesh-key.ts";

export interface HandshakeParts {
  readonly keys: MeshKeys;
  readonly ownId: Uint8Array;
  /** What we say of ourselves now. */
  readonly about: () => Pick<Hello, "upMs" | "addresses" | "agent">;
}

type ToSend = readonly (readonly [type: number, body: Buffer])[];

export type Step =
  | { readonly kind: "going"; readonly send: ToSend }
  | { readonly kind: "done"; readonly send: ToSend; readonly hello: Hello }
  | { readonly kind: "refused"; readonly why: "wrong-secret" | "not-a-hello" };

export class Handshake {
  readonly #parts: HandshakeParts;
  readonly #duplex: Pick<Duplex, "dialed" | "remoteId">;
  readonly #own: Hello;
  readonly #ownBytes: Buffer;
  #theirs: { readonly hello: Hello; readonly bytes: Buffer; readonly key: MeshKey } | undefined;

  constructor(duplex: Pick<Duplex, "dialed" | "remoteId">, parts: HandshakeParts) {
    this.#duplex = duplex;
    this.#parts = parts;
    this.#own = { ...parts.about(), kids: parts.keys.map(({ kid }) => kid), nonce: randomBytes(32) };
    this.#ownBytes = encodeHello(this.#own);
  }

  /** The dialer's first body; the listener waits. */
  begin(): Buffer | undefined {
    return this.#duplex.dialed ? this.#ownBytes : undefined;
  }

  take({ type, body }: Frame): Step {
    const { dialed } = this.#duplex;
    if (this.#theirs === undefined) {
      if (type !== (dialed ? FRAME.helloAck : FRAME.hello)) return { kind: "refused", why: "not-a-hello" };
      const hello = decodeHello(body);
      if (hello === undefined) return { kind: "refused", why: "not-a-hello" };
      const [dialer, listener] = dialed ? [this.#own, hello] : [hello, this.#own];
      const key = agreedKey(this.#parts.keys, dialer, listener);
      if (key === undefined) return { kind: "refused", why: "wrong-secret" };
      this.#theirs = { hello, bytes: body, key };
      return {
        kind: "going",
        send: [dialed ? [FRAME.auth, encodeAuth(this.#mac("dialer", key))] : [FRAME.helloAck, this.#ownBytes]],
      };
    }
    if (type !== FRAME.auth) return { kind: "refused", why: "not-a-hello" };
    const { hello, key } = this.#theirs;
    if (!isAuth(body, this.#mac(dialed ? "listener" : "dialer", key))) return { kind: "refused", why: "wrong-secret" };
    return { kind: "done", hello, send: dialed ? [] : [[FRAME.auth, encodeAuth(this.#mac("listener", key))]] };
  }

  #mac(role: "dialer" | "listener", key: MeshKey): Buffer {
    const { ownId } = this.#parts;
    const { dialed, remoteId } = this.#duplex;
    const theirs = this.#theirs?.bytes ?? new Uint8Array();
    return helloMac(key, role, {
      dialerId: dialed ? ownId : remoteId,
      listenerId: dialed ? remoteId : ownId,
      hello: dialed ? this.#ownBytes : theirs,
      helloAck: dialed ? theirs : this.#ownBytes,
    });
  }
}
