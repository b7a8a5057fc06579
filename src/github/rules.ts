// The verdicts of self-check.ts per host and media class, kept in a file beside the store so that a new process need not
// prove the rule again. The file is advice about cost, never about truth: a wrong one makes guesses, which GitHub answers.
import { type RuleState, UNPROVEN, judge } from "./self-check.ts";

export interface RuleFile {
  /** @returns undefined if there is none or it cannot be read */
  load(): string | undefined;
  save(text: string): void;
}

/** Accept headers are the clients' own words: what is beyond this many classes is simply never proven. */
const MAX_CLASSES = 256;

export class Rules {
  readonly #states = new Map<string, RuleState>();
  readonly #file: RuleFile | undefined;
  readonly #onChange: (host: string, media: string, verdict: RuleState["verdict"]) => void;

  constructor(file: RuleFile | undefined, onChange: (host: string, media: string, verdict: string) => void) {
    this.#file = file;
    this.#onChange = onChange;
    for (const [key, state] of statesOf(file?.load())) this.#states.set(key, state);
  }

  proven(host: string, media: string): boolean {
    return this.state(host, media).verdict === "proven";
  }

  state(host: string, media: string): RuleState {
    return this.#states.get(`${host} ${media}`) ?? UNPROVEN;
  }

  /**
   * Takes the outcome of one full answer with a tag that could follow the rule.
   * @param body its digest, wanted only while the rule is unproven
   */
  note(host: string, media: string, matched: boolean, body: () => string): void {
    const before = this.state(host, media);
    if (before === UNPROVEN && this.#states.size >= MAX_CLASSES) return;
    const after = judge(before, matched, before.verdict === "unproven" ? body() : "");
    this.#states.set(`${host} ${media}`, after);
    if (after.verdict === before.verdict) return;
    this.#onChange(host, media, after.verdict);
    this.#file?.save(JSON.stringify([...this.#states]));
  }

  all(): readonly (readonly [string, RuleState])[] {
    return [...this.#states];
  }
}

function statesOf(text: string | undefined): readonly (readonly [string, RuleState])[] {
  if (text === undefined) return [];
  try {
    const parsed = JSON.parse(text) as readonly (readonly [string, RuleState])[];
    return parsed
      .filter(([key, { verdict }]) => typeof key === "string" && (verdict === "proven" || verdict === "refuted"))
      .map(([key, { verdict }]) => [key, { ...UNPROVEN, verdict }]);
  } catch {
    return [];
  }
}
