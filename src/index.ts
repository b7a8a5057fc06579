// The library: types and pure functions that other programs may build on.
export type { Digest } from "./core/digest.ts";
export type { Gap } from "./core/gap.ts";
export type { Decision, Miss } from "./core/decision.ts";
export type { ActionRecord } from "./core/record.ts";
