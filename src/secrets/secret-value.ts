// A value that must not be printed by accident: template strings, JSON and inspect show its name instead.
import { inspect } from "node:util";

export class SecretValue {
  readonly name: string;
  readonly #bytes: Buffer;

  /** Takes the bytes over: `wipe` clears them. */
  constructor(name: string, bytes: Buffer) {
    this.name = name;
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** The bytes themselves. Copies of them are the caller's to wipe; JavaScript strings cannot be wiped. */
  reveal(): Buffer {
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return `[secret ${this.name}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
