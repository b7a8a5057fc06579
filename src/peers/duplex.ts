// What a connection is to the rest of this folder: two byte streams between ids that Noise has proved. Only node.ts knows libp2p.

export interface DuplexListener {
  data(bytes: Uint8Array): void;
  /** Buffers have room again. */
  drain(): void;
  /** Once, whoever closed it. */
  closed(): void;
}

export interface Duplex {
  /** Bytes of the other's peer id. */
  readonly remoteId: Uint8Array;
  /** IP address, for people and limits. */
  readonly remoteAddress: string;
  /** Whether this side opened it. */
  readonly dialed: boolean;
  /** Once, before anything is sent. */
  listen(listener: DuplexListener): void;
  /** @returns false: full; what is sent before `drain` is buffered all the same */
  send(bytes: Uint8Array): boolean;
  /** Stops reading: the other side is held up, not dropped. */
  pause(): void;
  resume(): void;
  /** At once; what is unsent is lost. */
  close(): void;
}

export interface PeerHost {
  /** Multiaddrs it listens on; none: it can only dial. */
  readonly listening: readonly string[];
  /** @throws whatever went wrong, a time-out too */
  dial(address: string, signal: AbortSignal): Promise<Duplex>;
  /** Whether somebody listens there. Only asked for addresses of who just connected from `from`. */
  answers(address: string, from: string): Promise<boolean>;
  stop(): Promise<void>;
}
