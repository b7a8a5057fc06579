// Which observer a run gets: the first whose self-test passes, or the one that was asked for.
import type { Observer } from "../trace/observer.ts";
import { unobserved } from "../trace/unobserved.ts";

export async function observerFor(chosen: string): Promise<{ readonly observer: Observer; readonly notice?: string }> {
  return chosen === "none" ? { observer: unobserved } : { observer: unobserved, notice: "no observer yet" };
}
