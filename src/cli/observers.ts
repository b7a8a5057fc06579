// Which observer a run gets: the first whose self-test passes, or the one that was asked for.
import type { Config } from "../config/settings.ts";
import type { BackendChoice } from "../trace/choose.ts";
import type { Observer } from "../trace/observer.ts";
import { unobserved } from "../trace/unobserved.ts";

export async function observerFor(
  chosen: BackendChoice,
  /** Undefined: the default. */
  config: Config | undefined,
): Promise<{ readonly observer: Observer; readonly notice?: string }> {
  if (chosen === "none") return { observer: unobserved };
  const { chooseObserver } = await import("../trace/choose.ts");
  const { observer, refusals } = await chooseObserver(chosen, { agent: config?.["agent.enabled"] ?? true });
  if (observer.name !== "none") return { observer };
  const whys = refusals.map(({ backend, why }) => `${backend}: ${why}`).join("; ");
  return { observer, notice: `no observer: ${whys}` };
}
