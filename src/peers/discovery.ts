// Asks the registries, in order of cost, while peers are short; and tells them of this peer.
import { codeOf } from "../store/events.ts";
import type { Mesh } from "./mesh.ts";
import type { PeerRegistry } from "./registry/registry.ts";

export interface DiscoveryOptions {
  readonly registries: readonly PeerRegistry[];
  readonly intervalMs: number;
  /** With so many members no registry is asked: they tell of each other. */
  readonly enough: number;
}

/** For people: what each registry said last. */
export interface RegistryState {
  readonly name: string;
  readonly found: number;
  readonly failed?: string;
}

/** Registries on the network get this long; the client of the Actions cache alone would retry for half a minute. */
const LIMIT_MS = 2000;
/** While alone, the cheap ones are asked again so soon. */
const ALONE_MS = 5000;
const CHEAP = new Set(["bootstrap", "file", "same-host", "mdns"]);

export class Discovery {
  readonly #mesh: Mesh;
  readonly #options: DiscoveryOptions;
  readonly #states = new Map<string, RegistryState>();
  #timer: NodeJS.Timeout | undefined;
  #askedAll = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(mesh: Mesh, options: DiscoveryOptions) {
    this.#mesh = mesh;
    this.#options = options;
  }

  get states(): readonly RegistryState[] {
    return [...this.#states.values()];
  }

  /** Announces first: of two that start at once, one finds the other. */
  async start(): Promise<void> {
    await this.#round();
    this.#plan();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#options.registries.map((each) => within(each.withdraw?.()).catch(() => undefined)));
  }

  #plan(): void {
    if (this.#stopped) return;
    const short = this.#mesh.members.length < this.#options.enough;
    this.#timer = setTimeout(
      () => void this.#round().finally(() => this.#plan()),
      short ? Math.min(ALONE_MS, this.#options.intervalMs) : this.#options.intervalMs,
    ).unref();
  }

  async #round(): Promise<void> {
    const { registries, intervalMs, enough } = this.#options;
    const now = performance.now();
    const isDue = now - this.#askedAll >= intervalMs;
    if (isDue) this.#askedAll = now;
    const self = { peer: this.#mesh.name, addresses: this.#mesh.addresses };
    for (const registry of registries) {
      if (!isDue && !CHEAP.has(registry.name)) continue;
      try {
        if (self.addresses.length > 0) await within(registry.announce?.(self));
        if (this.#mesh.members.length >= enough) continue;
        const found = (await within(registry.list())) ?? [];
        this.#states.set(registry.name, { name: registry.name, found: found.length });
        for (const address of found) this.#mesh.addAddress(address, registry.source);
        this.#mesh.dialer.tick();
      } catch (error) {
        const why = error instanceof Error ? error.message : codeOf(error);
        this.#states.set(registry.name, { name: registry.name, found: 0, failed: why });
        this.#mesh.options.onEvent({ kind: "registry-failed", registry: registry.name, why });
      }
    }
  }
}

async function within<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
