// What looks like a credential, whoever it belongs to. The runner knows the masks of a job and does not tell them; what can be seen
// is what asks for a mask, and the shapes of well-known tokens.
const SHAPE =
  /::add-mask::|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60}|\bxox[abprs]-[A-Za-z0-9-]{10}|\bAKIA[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10}/;

/** Looked at in pieces of this size: small writes are gathered. */
const PIECE_BYTES = 64 * 1024;
/** What of a piece is looked at again with the next: a token may be cut. Longer ones, of which there are only JWTs, may then be missed. */
const OVERLAP_BYTES = 16 * 1024;

export class ShapeSearch {
  #found = false;
  #pending: Uint8Array[] = [];
  #size = 0;

  /** The next bytes of one stream. */
  write(bytes: Uint8Array): void {
    if (this.#found || bytes.length === 0) return;
    // A copy: the chunk belongs to its stream.
    this.#pending.push(Uint8Array.from(bytes));
    this.#size += bytes.length;
    if (this.#size >= PIECE_BYTES) this.#look();
  }

  /** In what was written so far. */
  get found(): boolean {
    if (!this.#found) this.#look();
    return this.#found;
  }

  #look(): void {
    const text = Buffer.concat(this.#pending);
    this.#found = SHAPE.test(text.toString("latin1"));
    const tail = text.subarray(Math.max(0, text.length - OVERLAP_BYTES));
    this.#pending = [tail];
    this.#size = tail.length;
  }
}
