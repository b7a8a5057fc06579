// Which one tag to send with a read, if any: the question "are these still the bytes, and may this caller have them?". A wrong
// guess is an ordinary 200 at the price of a miss, so there is never an extra call.
import type { Caller } from "./callers.ts";
import type { ApiCandidate, Held } from "./candidate.ts";
import type { Candidates, Look } from "./candidates.ts";
import { etagHex } from "./etag.ts";
import type { RequestHeaders } from "./message.ts";
import { mediaClass } from "./request-key.ts";
import type { Rules } from "./rules.ts";
import type { Sight } from "./sights.ts";
import type { Hasher } from "../ports.ts";

export interface TagPlan {
  readonly tag: string;
  /** What a 304 to this tag certifies. */
  readonly body: Buffer;
  /** Absent for a guess that nobody has seen yet. */
  readonly candidate?: Held;
  readonly how: "stored" | "computed" | "speculative";
}

const NOT_COVERED =
  "no tag: it would not cover all of the answer (a list whose pages may change), or the bytes are gone";

/** Vary of GitHub's REST answers; what a guess without a candidate is made with. */
const USUAL_VARY = ["Accept", "Authorization", "Cookie", "X-GitHub-OTP"];

/** @returns the reason if no tag can be sent: GitHub then answers in full, at the price of one call */
export async function planTag(
  parts: {
    readonly candidates: Candidates;
    readonly rules: Rules;
    readonly hasher: Hasher;
    readonly omitsLink: boolean;
  },
  read: {
    readonly host: string;
    readonly path: string;
    readonly accept: string;
    readonly caller: Caller;
    readonly look: Look;
    readonly sent: RequestHeaders;
  },
  found: readonly Held[],
  sight: Sight | undefined,
): Promise<TagPlan | string> {
  const { candidates, rules, hasher, omitsLink } = parts;
  /** No tag can stand for what a 304 leaves unsaid. */
  const certifiable = ({ edge, headers }: ApiCandidate, body: Buffer): boolean =>
    !edge && !(omitsLink && headers.link !== undefined && body[0] === 0x5b);
  const proven = rules.proven(read.host, mediaClass(read.accept));
  const newest = proven ? preferred(found, candidates.byKind(read.look), read.caller) : undefined;
  const own = sight?.etag === undefined ? undefined : sight;
  // What this caller was shown, unless other bytes were seen after GitHub last confirmed it.
  if (own?.etag !== undefined && (newest === undefined || isOlder(newest, own))) {
    const body = await candidates.body(read.look, own.candidate);
    if (body !== undefined && certifiable(own.candidate, body))
      return { tag: own.etag, candidate: own.candidate, body, how: "stored" };
  }
  if (newest !== undefined && newest.rule) {
    const body = await candidates.body(read.look, newest);
    if (body !== undefined && certifiable(newest, body)) {
      const tag = `"${etagHex(hasher, read.sent, newest.vary, body)}"`;
      return { tag, candidate: newest, body, how: "computed" };
    }
  }
  if (!proven && found.length > 0)
    return `no tag: the etag rule is not proven for ${read.host}, so other callers' bytes are of no use`;
  if (found.length > 0) return newest?.rule === false ? "no tag: what is kept had a tag of another rule" : NOT_COVERED;
  const body = proven ? emptyList(read.path) : undefined;
  if (body === undefined) return "no tag: nothing is kept of this address";
  return { tag: `"${etagHex(hasher, read.sent, USUAL_VARY, body)}"`, body, how: "speculative" };
}

/** Nothing newer than what GitHub last confirmed to this caller. */
function isOlder(newest: ApiCandidate, own: Sight): boolean {
  return newest.body === own.candidate.body || newest.receivedAt < own.at.wallMs;
}

/** The newest; where callers of different kinds see different bytes at once, the newest that this kind saw. */
function preferred(found: readonly Held[], byKind: boolean, caller: Caller): Held | undefined {
  return (byKind ? found.find((candidate) => candidate.kind === caller.kind) : undefined) ?? found[0];
}

/** Lists that are often empty, and the field that holds them; "" for a bare array. */
const LISTS: readonly (readonly [RegExp, string])[] = [
  [/\/actions\/(?:runs|workflows\/[^/]+\/runs)$/, "workflow_runs"],
  [/\/actions\/runs\/\d+\/(?:attempts\/\d+\/)?jobs$/, "jobs"],
  [/\/actions\/runners$/, "runners"],
  [/\/actions\/(?:runs\/\d+\/)?artifacts$/, "artifacts"],
  [/\/check-runs$/, "check_runs"],
  [/\/check-suites$/, "check_suites"],
  [/^\/repos\/[^/]+\/[^/]+\/(?:pulls|issues|releases|tags|deployments)$/, ""],
  [/^\/repos\/[^/]+\/[^/]+\/(?:pulls|issues)\/\d+\/(?:comments|reviews|labels)$/, ""],
];

/** What GitHub would send if there were nothing: the cheapest guess there is. */
export function emptyList(path: string): Buffer | undefined {
  const plain = path.split("?", 1)[0] ?? path;
  const field = LISTS.find(([pattern]) => pattern.test(plain))?.[1];
  if (field === undefined) return undefined;
  return Buffer.from(field === "" ? "[]" : `{"total_count":0,"${field}":[]}`);
}
