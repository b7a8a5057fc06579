// Server-sent events: once a second, and only if something changed, the summary and the decisions that are new.
import type { Route } from "../agent/routes.ts";
import { type ApiSources, summary, told } from "./api.ts";

const TICK_MS = 1000;
/** Proxies and sleeping laptops drop silent connections. */
const HEARTBEAT_MS = 15_000;
/** One person has a few tabs; more is a mistake or a flood. */
const MAX_STREAMS = 32;

export function liveRoute(sources: ApiSources): Route {
  let streams = 0;
  return {
    method: "GET",
    path: "/api/live",
    handle({ request, response }) {
      if (streams >= MAX_STREAMS) {
        response.writeHead(503).end();
        return;
      }
      streams++;
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      let last = "";
      let seen = Number.POSITIVE_INFINITY;
      let silentMs = 0;
      let busy = false;
      const tick = async (): Promise<void> => {
        if (busy || response.writableNeedDrain) return; // a page that does not read gets the newest when it does
        busy = true;
        const now = await summary(sources);
        const decisions = sources.index.since(seen).map(told);
        seen = sources.index.count;
        // What changes with each call is no change.
        const { now: _, agent: __, ...compared } = now;
        const text = JSON.stringify(compared);
        silentMs += TICK_MS;
        if (text !== last) {
          response.write(`data: ${JSON.stringify({ summary: now, decisions })}\n\n`);
          last = text;
          silentMs = 0;
        } else if (silentMs >= HEARTBEAT_MS) {
          response.write(": still here\n\n");
          silentMs = 0;
        }
        busy = false;
      };
      const timer = setInterval(() => void tick().catch(() => response.destroy()), TICK_MS);
      void tick().catch(() => response.destroy());
      request.once("close", () => {
        clearInterval(timer);
        streams--;
      });
    },
  };
}
