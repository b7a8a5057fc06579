// Is this JSON the header of an ActionRecord? Hand-written, because loading a schema library costs more than deciding.
// Unknown fields are kept (fields may grow within a version); an unknown kind of gap is refused: it might be one that matters.
import { parseDigest } from "./digest.ts";
import type { Gap, GapKind } from "./gap.ts";
import type { Action, ActionRecord, ActionResult, OutputFile, Provenance } from "./record.ts";

/** A record without its observations, which have columns of their own. */
export type RecordHeader = Omit<ActionRecord, "trace"> & Pick<ActionRecord["trace"], "gaps">;

type Check = (value: unknown) => boolean;

const text: Check = (v) => typeof v === "string";
const flag: Check = (v) => typeof v === "boolean";
const whole: Check = (v) => Number.isSafeInteger(v) && (v as number) >= 0;
const amount: Check = (v) => typeof v === "number" && v >= 0;
const digest: Check = (v) => typeof v === "string" && parseDigest(v) !== undefined;
const anything: Check = (v) => v !== undefined;
const oneOf =
  (...words: readonly string[]): Check =>
  (v) =>
    typeof v === "string" && words.includes(v);
const list =
  (check: Check): Check =>
  (v) =>
    Array.isArray(v) && v.every(check);
const mapOf =
  (check: Check): Check =>
  (v) =>
    isObject(v) && Object.values(v).every(check);
/** A check for each field of T, told apart by whether it may be missing: a field added to a type is an error here. */
type Required<T> = { readonly [K in keyof T as object extends Pick<T, K> ? never : K]: Check };
type Optional<T> = { readonly [K in keyof T as object extends Pick<T, K> ? K : never]: Check };
function fields<T>(required: Required<T>, optional: Optional<T>): Check {
  const [must, may] = [Object.entries<Check>(required), Object.entries<Check>(optional)];
  return (v) =>
    isObject(v) &&
    must.every(([name, check]) => check(v[name])) &&
    may.every(([name, check]) => v[name] === undefined || check(v[name]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const GAPS: { readonly [K in GapKind]: Required<Omit<Extract<Gap, { kind: K }>, "kind">> } = {
  "input-modified": { path: text },
  "untraced-network": { host: text, port: whole },
  "untraced-process": { argv0: text },
  "events-lost": { count: whole, what: text },
  "opaque-service": { service: text },
  "io-uring": { pid: whole },
  "privileged-job": { why: text },
  "partial-run": { what: text },
  "event-read": { what: text },
  "side-effect": { what: text },
  "too-large": { what: text, sizeBytes: whole },
  "foreign-definition": { what: text },
  "no-observer": { why: text },
  unresolved: { ref: text },
  "unresolved-path": { path: text },
  "git-head-used": { query: text },
  "secret-output": { what: text },
  "expression-context": { what: text },
  "step-tolerated": { what: text },
  "job-outputs": { what: text },
  "overlapping-steps": { what: text },
};

const gap: Check = (v) =>
  isObject(v) &&
  typeof v["kind"] === "string" &&
  Object.hasOwn(GAPS, v["kind"]) &&
  Object.entries(GAPS[v["kind"] as GapKind]).every(([name, check]) => (check as Check)(v[name]));

const PARTS: Required<RecordHeader> = {
  version: (v) => v === 1,
  weak: digest,
  action: fields<Action>(
    {
      argv: list(text),
      cwd: text,
      env: fields<Action["env"]>({ policy: oneOf("hash", "strict"), values: mapOf(text) }, {}),
      platform: mapOf(text),
      salt: mapOf(anything),
    },
    {},
  ),
  gaps: list(gap),
  result: fields<ActionResult>(
    {
      exitCode: whole,
      output: digest,
      durationMs: amount,
      outputs: list(
        fields<OutputFile>(
          {
            path: text,
            type: oneOf("file", "symlink", "dir", "deleted"),
            created: flag,
            restored: flag,
            mode: whole,
            sizeBytes: whole,
          },
          { content: digest },
        ),
      ),
    },
    {},
  ),
  provenance: fields<Provenance>(
    { recordedAt: whole, tool: text, seal: mapOf(anything) },
    {
      repository: text,
      workflow: text,
      job: text,
      runId: text,
      runAttempt: whole,
      checkRun: text,
      commit: text,
      tree: text,
      event: text,
      ref: text,
    },
  ),
  optOuts: list(text),
};

/** @returns the name of the first part that is not as it must be */
export function wrongPart(header: unknown): string | undefined {
  if (!isObject(header)) return "header";
  return Object.entries<Check>(PARTS).find(([name, check]) => !check(header[name]))?.[0];
}
