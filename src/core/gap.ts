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
  | { readonly kind: "secret-output"; readonly what: string };

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
