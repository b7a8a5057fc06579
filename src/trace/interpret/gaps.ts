// The distinct gaps of a run, not without end.
import { type Gap, gapDetail } from "../../core/gap.ts";

/** A run with more has no use for an opt-out that names them. */
const MAX_GAPS = 1000;

export class Gaps {
  readonly #byDetail = new Map<string, Gap>();
  #more = 0;

  add(gap: Gap): void {
    const key = `${gap.kind} ${gapDetail(gap)}`;
    if (this.#byDetail.has(key)) return;
    if (this.#byDetail.size < MAX_GAPS) this.#byDetail.set(key, gap);
    else this.#more++;
  }

  /** Those left out are told as lost: nobody can have accepted a gap that is not named. */
  get all(): Gap[] {
    const all = [...this.#byDetail.values()];
    return this.#more === 0
      ? all
      : [...all, { kind: "events-lost", count: this.#more, what: "gaps beyond the first 1000" }];
  }
}
