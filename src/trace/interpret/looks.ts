// The looks of a run, one for each path and kind of question, in the order they were first asked.
import type { Look, LookKind } from "./interpreted.ts";

/** Of one path; presence answers the weaker questions too. */
interface Known {
  presence: Draft | undefined;
  others: Draft[] | undefined;
}
interface Draft {
  kind: LookKind;
  readonly path: string;
  readonly by: string;
  readonly seq: number;
}

/** How much `file`, `stat` and `probe` say; a listing says more than a probe of a folder. */
const STRENGTH: Partial<Record<LookKind, number>> = { probe: 1, stat: 2, file: 3, directory: 3 };

export class Looks {
  readonly #byPath = new Map<string, Known>();
  readonly #order: Draft[] = [];

  add(kind: LookKind, path: string, by: string, seq: number): void {
    let known = this.#byPath.get(path);
    if (known === undefined) this.#byPath.set(path, (known = { presence: undefined, others: undefined }));
    const strength = STRENGTH[kind];
    if (strength === undefined) {
      if (known.others?.some((draft) => draft.kind === kind) === true) return;
      (known.others ??= []).push(this.#draft(kind, path, by, seq));
    } else if (known.presence === undefined) known.presence = this.#draft(kind, path, by, seq);
    else if (strength > (STRENGTH[known.presence.kind] ?? 0)) known.presence.kind = kind;
    // A path cannot be a file and a folder: asked as both, both questions stay.
    else if (strength === 3 && known.presence.kind !== kind && known.others?.some((d) => d.kind === kind) !== true)
      (known.others ??= []).push(this.#draft(kind, path, by, seq));
  }

  #draft(kind: LookKind, path: string, by: string, seq: number): Draft {
    const draft = { kind, path, by, seq };
    this.#order.push(draft);
    return draft;
  }

  get all(): readonly Look[] {
    return this.#order;
  }
}
