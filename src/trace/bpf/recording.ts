// Records of one traced tree as events, and the seal at its end.
import fs from "node:fs";
import os from "node:os";
import type { Seal, TraceEvent } from "../event.ts";
import { LOSS_COUNTERS } from "./counters.ts";
import { Decoder } from "./decode.ts";
import type { TracerLink } from "./link.ts";
import { rootMountOf } from "./mount-tables.ts";

export class Recording {
  readonly decoder: Decoder;
  readonly #mounts: { mountNs: number; seq: number; mountinfo: string }[] = [];

  constructor(tracer: TracerLink, onEvent: (event: TraceEvent) => void) {
    const decoder = new Decoder(onEvent);
    this.decoder = decoder;
    tracer.connect(
      (bytes, words, at, length) => decoder.record(bytes, words, at, length),
      ({ mountNs, mountinfo }) => {
        this.#mounts.push({ mountNs, seq: decoder.seq, mountinfo });
        const root = rootMountOf(mountinfo);
        if (root !== undefined) decoder.setRootMount(mountNs, root);
      },
    );
  }

  /** Processes of the tree that still run; a zombie has done all it will do. */
  living(): Seal["alive"] {
    const found: { pid: number; comm: string }[] = [];
    for (const pid of this.decoder.alive)
      try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
        const [, comm = "", state = ""] = /^\d+ \((.*)\) (.)/s.exec(stat) ?? [];
        if (state !== "Z" && state !== "X") found.push({ pid, comm });
      } catch {
        // Gone.
      }
    return found;
  }

  /** @returns undefined if the tracer died */
  async seal(tracer: TracerLink): Promise<Seal | undefined> {
    const sealed = await tracer.seal();
    if (sealed === undefined) return undefined;
    const { decoder } = this;
    const lost: Record<string, number> = {};
    for (const name of LOSS_COUNTERS) lost[name] = sealed.counters[name];
    lost["decoder"] = decoder.errors;
    lost["canary"] = sealed.endSeen ? 0 : 1;
    lost["overflow"] = sealed.overflow;
    return {
      backend: "ebpf",
      kernel: os.release(),
      events: decoder.seq,
      lost,
      alive: this.living(),
      mounts: this.#mounts,
      names: Object.fromEntries([...decoder.names].map(([address, names]) => [address, [...names].sort()])),
    };
  }
}
