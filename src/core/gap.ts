// Why a trace may not license a skip: something the run did that nobody saw, or that nobody can compare later.

export type Gap =
  | { readonly kind: "input-modified"; readonly path: string }
  | { readonly kind: "untraced-network"; readonly host: string; readonly port: number }
  | { readonly kind: "untraced-process"; readonly argv0: string }
  | { readonly kind: "events-lost"; readonly count: number; readonly what: string }
  | { readonly kind: "opaque-service"; readonly service: string }
  | { readonly kind: "io-uring"; readonly pid: number }
  | { readonly kind: "privileged-job"; readonly why: string }
  | { readonly kind: "partial-run"; readonly what: string }
  | { readonly kind: "event-read"; readonly what: string }
  | { readonly kind: "side-effect"; readonly what: string }
  | { readonly kind: "too-large"; readonly what: string; readonly sizeBytes: number }
  | { readonly kind: "foreign-definition"; readonly what: string }
  | { readonly kind: "no-observer"; readonly why: string }
  | { readonly kind: "unresolved"; readonly ref: string }
  | { readonly kind: "unresolved-path"; readonly path: string }
  | { readonly kind: "git-head-used"; readonly query: string }
  | { readonly kind: "secret-output"; readonly what: string }
  /** A job's expression uses what nobody can compare: `needs`, `vars`, `inputs`, a step before ours, `hashFiles`. */
  | { readonly kind: "expression-context"; readonly what: string }
  /** A step failed and the job passed all the same. */
  | { readonly kind: "step-tolerated"; readonly what: string }
  /** Other jobs read what this one hands on; a skip could not hand it on. */
  | { readonly kind: "job-outputs"; readonly what: string }
  /** Steps that run at the same time: which of them did what is not known. */
  | { readonly kind: "overlapping-steps"; readonly what: string };

export type GapKind = Gap["kind"];

/** No opt-out lets a trace with one of these license a skip (docs/soundness.md, 2.1). */
export const NEVER_ACCEPTED: ReadonlySet<GapKind> = new Set(["events-lost", "untraced-process", "io-uring"]);

/** The part that tells one gap from another of its kind, e.g. "objects.example.org:443". */
export function gapDetail(gap: Gap): string {
  switch (gap.kind) {
    case "input-modified":
    case "unresolved-path":
      return gap.path;
    case "untraced-network":
      return `${gap.host}:${gap.port}`;
    case "untraced-process":
      return gap.argv0;
    case "events-lost":
      return `${gap.count} (${gap.what})`;
    case "opaque-service":
      return gap.service;
    case "io-uring":
      return `pid ${gap.pid}`;
    case "privileged-job":
    case "no-observer":
      return gap.why;
    case "partial-run":
    case "event-read":
    case "side-effect":
    case "foreign-definition":
    case "secret-output":
    case "expression-context":
    case "step-tolerated":
    case "job-outputs":
    case "overlapping-steps":
      return gap.what;
    case "too-large":
      return `${gap.what} (${gap.sizeBytes} bytes)`;
    case "unresolved":
      return gap.ref;
    case "git-head-used":
      return gap.query;
    default:
      return unreachable(gap);
  }
}

/** Ends every switch over a union: a new member is a type error here. */
export function unreachable(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`);
}
