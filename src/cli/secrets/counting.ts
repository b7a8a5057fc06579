// Accesses that were decided here and not by a broker, counted. After the audit log has them: that is the record, this a number.
import { accessCounts } from "../../report/count.ts";
import { addCounts } from "../counting.ts";
import { openStoreFor } from "../wiring.ts";
import type { SecretsShell } from "./context.ts";

/** Best effort: no cache folder, no number. */
export async function countAccesses(
  { context, resolved }: SecretsShell,
  granted: number,
  denied: number,
): Promise<void> {
  try {
    await addCounts(openStoreFor(context, resolved).folder, resolved.config, accessCounts(granted, denied));
  } catch {
    // Nobody's credential depends on it.
  }
}
