import { describe, expect, test } from "vitest";
import { type JobStatement, parseMeshScope, rightsOf } from "./scope.ts";

const EVENTS = [
  "push",
  "schedule",
  "workflow_dispatch",
  "merge_group",
  "pull_request",
  "pull_request_target",
  "workflow_run",
  "issue_comment",
  "release",
  "anything_new",
];
const PULLS = [undefined, { number: 7, sameRepository: true }, { number: 7, sameRepository: false }] as const;

/** The table of docs/peers.md, said a second time in other words. */
function expected(event: string, refProtected: boolean, pull: (typeof PULLS)[number]): string[] {
  if (event === "pull_request") return pull?.sameRepository === true ? ["pr:7"] : [];
  if (pull !== undefined) return [];
  if (!["push", "schedule", "workflow_dispatch", "merge_group"].includes(event)) return [];
  if (refProtected) return ["protected"];
  return event === "push" ? ["branch:refs/heads/x"] : [];
}

describe("who may write which scope", () => {
  for (const event of EVENTS)
    for (const refProtected of [true, false])
      for (const pull of PULLS)
        test(`${event}, ${refProtected ? "protected" : "other"} ref, ${pull === undefined ? "no pull request" : `${pull.sameRepository ? "own" : "fork's"} pull request`}`, () => {
          const job: JobStatement = { event, ref: "refs/heads/x", refProtected, ...(pull && { pullRequest: pull }) };
          const rights = rightsOf(job);
          expect(rights.writes).toEqual(expected(event, refProtected, pull));
          // What it may write it may read, and everybody reads `protected`; nobody reads another's branch.
          expect(rights.reads).toEqual([...new Set([...rights.writes, "protected"])]);
        });

  test("nobody vouched for: nothing", () => {
    expect(rightsOf(undefined)).toEqual({ writes: [], reads: ["protected"] });
  });
});

test("scopes are exactly those of the grammar", () => {
  for (const good of ["", "protected", "branch:refs/heads/x", "pr:1"]) expect(parseMeshScope(good)).toBe(good);
  for (const bad of ["Protected", "branch:", "pr:0", "pr:x", "pr:12345678901", "branch:a\nb", "*"])
    expect(parseMeshScope(bad)).toBeUndefined();
});
