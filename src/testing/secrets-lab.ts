// For tests of the credential store: its effects, real ones, and a disk that stops or fails at its n-th effect. Runs in
// children too, so it loads neither vitest nor a bundler.
import type { Scope } from "../core/scope.ts";
import { systemClock, systemRandom } from "../node/ports.ts";
import type { Clock, EpochMs } from "../ports.ts";
import { addVersions, type ChangeContext, type NewVersion } from "../secrets/changes.ts";
import { type Disk, nodeDisk } from "../secrets/disk.ts";
import { keySource } from "../secrets/key-source.ts";
import { inSession, type OpenStore, type SessionContext } from "../secrets/session.ts";

export function labContext(folder: string, more: Partial<SessionContext> = {}): SessionContext {
  const disk = more.disk ?? nodeDisk;
  return {
    folder,
    disk,
    clock: systemClock,
    random: systemRandom,
    source: (provider, where) =>
      keySource(provider, {
        folder: where,
        disk,
        random: systemRandom,
        env: {},
        command: [],
        kdf: "scrypt",
        ask: () => Promise.resolve(undefined),
      }),
    ...more,
  };
}

export function changeContext(now: number): ChangeContext {
  return { random: systemRandom, now, purgeAfter: 30 * 86_400, actor: { assurance: "owner" } };
}

export function newVersion(name: string, value: string, more: Partial<NewVersion> = {}): NewVersion {
  const scope: Scope = { kind: "repo", id: "456" };
  return {
    name,
    scope,
    value: Buffer.from(value),
    notBefore: 1000,
    notAfter: null,
    rotateAfter: null,
    policy: {},
    othersUntil: null,
    ...more,
  };
}

/** Sets credentials as the command does, in one session. */
export function setCredentials(context: SessionContext, ...versions: readonly NewVersion[]): Promise<OpenStore> {
  return inSession(context, async (session) => {
    const from = await session.open();
    return session.commit(from, addVersions(changeContext(session.now()), from, "set", versions).change);
  });
}

/** A clock that a test sets. */
export function settableClock(seconds: number): Clock & { set(seconds: number): void } {
  let now = seconds;
  return {
    now: () => (now * 1000) as EpochMs,
    monotonicMs: () => performance.now(),
    set: (to) => {
      now = to;
    },
  };
}

/** What happens instead of the n-th effect, or in the middle of it when it writes. Counting starts at 1. */
export type Mishap = (effect: keyof Disk, half: (() => void) | undefined) => never;

/** @param mishap called at effect `at`; never if `at` is 0 */
export function stoppingDisk(at: number, mishap: Mishap): Disk & { readonly effects: readonly (keyof Disk)[] } {
  const effects: (keyof Disk)[] = [];
  const entries = (Object.keys(nodeDisk) as (keyof Disk)[]).map((effect) => [
    effect,
    (...args: unknown[]): unknown => {
      effects.push(effect);
      if (effects.length === at) mishap(effect, effect === "write" ? () => writeHalf(args) : undefined);
      return (nodeDisk[effect] as (...all: unknown[]) => unknown)(...args);
    },
  ]);
  return { ...(Object.fromEntries(entries) as Disk), effects };
}

function writeHalf([fd, bytes, position]: unknown[]): void {
  const all = bytes as Uint8Array;
  nodeDisk.write(fd as number, all.subarray(0, all.length >> 1), position as number | undefined);
}
