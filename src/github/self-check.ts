// Watches on every full answer whether GitHub's tag is the one our rule computes. The rule is undocumented: while it is
// not proven here, or has been refuted, only tags that GitHub itself gave the same caller are sent. Pure.
//
//   unproven --3 matches, distinct bodies--> proven --3 mismatches in a row--> refuted --20 matches in a row--> proven

/** Serialisable; kept on disk per host and media class. */
export interface RuleState {
  readonly verdict: "unproven" | "proven" | "refuted";
  /** Digests of bodies that matched while unproven; at most 3. */
  readonly distinct: readonly string[];
  readonly matchesInRow: number;
  readonly mismatchesInRow: number;
  readonly matches: number;
  readonly mismatches: number;
}

export const UNPROVEN: RuleState = {
  verdict: "unproven",
  distinct: [],
  matchesInRow: 0,
  mismatchesInRow: 0,
  matches: 0,
  mismatches: 0,
};

const PROOFS = 3;
const REFUTATIONS = 3;
const PROOFS_AFTER_REFUTATION = 20;

/** @param body digest of the answer, so that three answers to one question prove no more than one */
export function judge(state: RuleState, matched: boolean, body: string): RuleState {
  const counted = {
    ...state,
    matches: state.matches + (matched ? 1 : 0),
    mismatches: state.mismatches + (matched ? 0 : 1),
    matchesInRow: matched ? state.matchesInRow + 1 : 0,
    mismatchesInRow: matched ? 0 : state.mismatchesInRow + 1,
  };
  if (counted.mismatchesInRow >= REFUTATIONS) return { ...counted, verdict: "refuted", distinct: [] };
  switch (state.verdict) {
    case "proven":
      return counted;
    case "refuted":
      return counted.matchesInRow >= PROOFS_AFTER_REFUTATION ? { ...counted, verdict: "proven" } : counted;
    case "unproven": {
      const distinct = matched && !state.distinct.includes(body) ? [...state.distinct, body] : state.distinct;
      return distinct.length >= PROOFS ? { ...counted, verdict: "proven", distinct: [] } : { ...counted, distinct };
    }
    default:
      return state.verdict satisfies never;
  }
}
