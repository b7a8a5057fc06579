// What writes void. A lease is good for one epoch of its scope; every write, webhook and `api invalidate` begins a new one.
// Coarse on purpose: a void lease costs a free 304, a precise matrix of which write changes which read can be wrong.
import type { Scope } from "./route.ts";

/** 4,096 repositories x ~150 B; what is dropped counts as changed when it was dropped. */
const MAX_SCOPES = 4096;

interface Mark {
  /** From one sequence for all scopes, so that the greatest of several marks changes if any of them does. */
  readonly sequence: number;
  readonly atMs: number;
}

const NEVER: Mark = { sequence: 0, atMs: Number.NEGATIVE_INFINITY };

export class Epochs {
  readonly #marks = new Map<string, Mark>();
  #sequence = 0;
  /** The newest mark that was dropped to stay small. */
  #floor: Mark = NEVER;

  /** @param nowMs monotonic */
  bump(host: string, scope: Scope, nowMs: number): void {
    const mark = { sequence: ++this.#sequence, atMs: nowMs };
    this.#set(keyOf(host, scope), mark);
    // What is read outside a repository (searches, lists of an owner) may show any write on the host.
    this.#set(`${host} any`, mark);
  }

  /** Equal numbers: nothing that we know of has changed in between. */
  epochOf(host: string, scope: Scope): number {
    return this.#newest(host, scope).sequence;
  }

  /** Milliseconds since the last write that concerns this scope. */
  quietMs(host: string, scope: Scope, nowMs: number): number {
    return nowMs - this.#newest(host, scope).atMs;
  }

  #newest(host: string, scope: Scope): Mark {
    const keys =
      scope.repo === undefined
        ? [`${host} any`]
        : [host, `${host}/${scope.owner}`, `${host}/${scope.owner}/${scope.repo}`];
    let newest = this.#floor;
    for (const key of keys) {
      const mark = this.#marks.get(key);
      if (mark !== undefined && mark.sequence > newest.sequence) newest = mark;
    }
    return newest;
  }

  #set(key: string, mark: Mark): void {
    this.#marks.delete(key);
    this.#marks.set(key, mark);
    if (this.#marks.size <= MAX_SCOPES) return;
    const [oldest] = this.#marks;
    if (oldest === undefined) return;
    this.#marks.delete(oldest[0]);
    if (oldest[1].sequence > this.#floor.sequence) this.#floor = oldest[1];
  }
}

function keyOf(host: string, scope: Scope): string {
  if (scope.owner === undefined) return host;
  return scope.repo === undefined ? `${host}/${scope.owner}` : `${host}/${scope.owner}/${scope.repo}`;
}
