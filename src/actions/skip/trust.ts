// Whose record may serve this job.
import { distrust } from "../../codeql/events.ts";
import type { RecordSource } from "../../memo/lookup.ts";
import type { SkipInputs } from "./inputs.ts";
import type { JobContext } from "./job-context.ts";

/** For records of this machine's own store, which this user's jobs alone can write: by what they say of their making. */
export function distrustOf(job: JobContext, inputs: SkipInputs): NonNullable<RecordSource["distrust"]> {
  return async (record, claim) => {
    const { event = "", ref = "" } = record.provenance;
    const trust = inputs.trust === "protected" ? "protected" : "repository";
    return inputs.trust === "scope" ? undefined : distrust({ event, ref }, job.event, claim.exactTree(), trust);
  };
}
