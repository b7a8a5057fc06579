// `foregone doctor`: does each shared store answer, may this machine write there, and will others believe it?
import { systemClock, systemRandom } from "../../node/ports.ts";
import { bounded } from "../../store/bounded.ts";
import { StoreError } from "../../store/store.ts";
import type { SharedLayer } from "../../store/shared.ts";
import { durationText } from "../../report/units.ts";
import { fleetOf, openSharedStores, type Writing } from "../shared-stores.ts";
import { type Fact, failure, type Section } from "./fact.ts";
import { settingsOf } from "./place.ts";

export const sharedFacts: Section = async (context) => {
  const resolved = await settingsOf(context);
  if (resolved === undefined) return [];
  const { config } = resolved;
  try {
    if (config["store.shared"].length === 0) return [];
    const fleet = await fleetOf(context, config);
    const { layers, writing, problems } = await openSharedStores(context, config, fleet, () => undefined);
    const facts: Fact[] = problems.map(({ problem, hint }) => ({
      status: "fail",
      name: "shared",
      text: problem,
      ...(hint !== undefined && { mend: hint }),
    }));
    for (const layer of layers) {
      facts.push(await probed(layer, writing));
      layer.close();
    }
    if (layers.length > 0 && config["store.trust"] === "members")
      facts.push({
        status: "note",
        name: "shared",
        text: "store.trust is members: whoever holds FOREGONE_MESH_SECRET is believed, pull requests too",
      });
    if (layers.length > 0 && config["store.trust"] === "signed" && config["store.trusted-keys"].length === 0)
      facts.push({
        status: "note",
        name: "shared",
        text: "store.trusted-keys is empty: no record of others is believed here",
        mend: "foregone shared new-key",
      });
    return facts;
  } catch (error) {
    return [failure("shared", error)];
  }
};

/** One value there and back where we may write, else one question. */
async function probed(layer: SharedLayer & { readonly shown: string }, writing: Writing): Promise<Fact> {
  const { store, bounds, shown } = layer;
  let code: string | undefined;
  const { blobs } = bounded(store, bounds, systemClock, (event) => {
    if (event.type === "failed") code ??= event.code;
  });
  const from = systemClock.monotonicMs();
  const about = (text: string): string => `${shown}: ${text}`;
  try {
    const digest = await blobs.put(systemRandom.bytes(32));
    const there = await blobs.findMissing([digest]);
    const took = durationText(systemClock.monotonicMs() - from);
    if (code !== undefined) return { status: "fail", name: "shared", text: about(code) };
    if (!writing.writes)
      return { status: "note", name: "shared", text: about(`answers in ${took}; read only: ${writing.why}`) };
    return there.length === 0
      ? { status: "ok", name: "shared", text: about(`written and read back in ${took}`) }
      : { status: "fail", name: "shared", text: about("what was written is not there") };
  } catch (error) {
    if (error instanceof StoreError) return { status: "fail", name: "shared", text: about(error.code) };
    throw error;
  }
}
