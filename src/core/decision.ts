// The answer: skip on this record, or run for these reasons. A run always has a reason.
import type { Digest } from "./digest.ts";
import type { Gap } from "./gap.ts";
import type { Question } from "./observation.ts";
import type { ActionRecord } from "./record.ts";

export type Miss =
  | { readonly kind: "no-record"; readonly why?: string }
  | { readonly kind: "gap"; readonly gap: Gap }
  | {
      readonly kind: "changed";
      readonly question: Question;
      readonly was: string;
      readonly now: string;
      /** Who asked first in the recorded run. */
      readonly by: string;
    }
  | { readonly kind: "unanswered"; readonly question: Question; readonly why: string }
  | { readonly kind: "blob-missing"; readonly digest: Digest }
  | { readonly kind: "untrusted"; readonly why: string }
  | { readonly kind: "expired"; readonly ageMs: number; readonly maxAgeMs: number }
  | { readonly kind: "audit"; readonly why: string };

export type Decision =
  | {
      readonly kind: "skip";
      readonly record: ActionRecord;
      readonly id: Digest;
      readonly basis: "exact-tree" | "trace";
    }
  | { readonly kind: "run"; readonly misses: readonly [Miss, ...Miss[]] };
