// Who may write a record where, and who may read it. Pure; authority comes from a grant (grant.ts), never from GITHUB_* variables.

/** `protected`, `branch:<ref>` or `pr:<number>`. Values that anybody's origin certifies (API bodies, blobs) have scope "". */
export type MeshScope = string & { readonly __brand: "MeshScope" };

export const PROTECTED = "protected" as MeshScope;
export const ANY = "" as MeshScope;

const SHAPE = /^(?:|protected|branch:[^\p{Cc}]{1,200}|pr:[1-9]\d{0,9})$/u;

export function parseMeshScope(text: string): MeshScope | undefined {
  return SHAPE.test(text) ? (text as MeshScope) : undefined;
}

/** What somebody trustworthy said of a job: claims of a verified OIDC token, or the operator who signs a grant. */
export interface JobStatement {
  readonly event: string;
  /** `refs/heads/...` */
  readonly ref: string;
  /** Protected, or the default branch. */
  readonly refProtected: boolean;
  /** Of a pull_request: its number, and whether its head is in the same repository. */
  readonly pullRequest?: { readonly number: number; readonly sameRepository: boolean };
}

export interface ScopeRights {
  readonly writes: readonly MeshScope[];
  readonly reads: readonly MeshScope[];
}

const READS_ONLY: ScopeRights = { writes: [], reads: [PROTECTED] };
const TRUSTED_EVENTS = new Set(["push", "schedule", "workflow_dispatch", "merge_group"]);

/**
 * The write policy. The list of events decides, not `refProtected` alone: pull_request_target, workflow_run and issue_comment
 * run on the base's ref with another's code or data.
 * @param job undefined: nobody vouches for it
 */
export function rightsOf(job: JobStatement | undefined): ScopeRights {
  if (job === undefined) return READS_ONLY;
  const { event, ref, refProtected, pullRequest } = job;
  if (TRUSTED_EVENTS.has(event) && pullRequest === undefined) {
    if (refProtected) return { writes: [PROTECTED], reads: [PROTECTED] };
    const own = event === "push" ? parseMeshScope(`branch:${ref}`) : undefined;
    return own === undefined || ref === "" ? READS_ONLY : { writes: [own], reads: [own, PROTECTED] };
  }
  if (event !== "pull_request" || pullRequest?.sameRepository !== true) return READS_ONLY;
  const own = parseMeshScope(`pr:${pullRequest.number}`);
  return own === undefined ? READS_ONLY : { writes: [own], reads: [own, PROTECTED] };
}
