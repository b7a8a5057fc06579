// Where the first address comes from. Every registry is a hint: what it names still has to prove membership, and what it does not
// name is found through those it does.
import type { AddressSource } from "../dialer.ts";

export interface Announcement {
  /** 12D3Koo... */
  readonly peer: string;
  readonly addresses: readonly string[];
}

export interface PeerRegistry {
  /** For people and events. */
  readonly name: string;
  /** How far its addresses are trusted: who named them. */
  readonly source: AddressSource;
  /** Addresses of peers that are alive, as far as is known. May throw anything: the next registry is asked. */
  list(): Promise<readonly string[]>;
  /** Called again and again while this peer lives; most registries cannot be written. */
  announce?(self: Announcement): Promise<void>;
  withdraw?(): Promise<void>;
}
