// The agent of one job: the API cache and the peers, in private folders, until its supervisor says or dies.
import { Readable, Writable } from "node:stream";
import { askRunning } from "../cli/api/client.ts";
import { fleetSecret } from "../cli/api/fleet.ts";
import { engineOptions } from "../cli/api/options.ts";
import { apiPlace } from "../cli/api/place.ts";
import { agentHere } from "../cli/agent/here.ts";
import type { CliContext } from "../cli/command.ts";
import { VERSION } from "../cli/version.ts";
import { startDaemon } from "../agent/daemon.ts";
import { agentParts } from "../agent/wiring.ts";
import { describe } from "../config/issue.ts";
import type { ApiDoors } from "../github/proxy.ts";
import { systemClock } from "../node/ports.ts";
import { addressCaches } from "./cache-service.ts";
import { restorePack } from "./github-cache-persist.ts";
import type { Ready, Report, Start } from "./github-cache-supervisor.ts";

export function agent(): void {
  process.once("message", (start: Start) => {
    serve(start).then(
      (ready) => report(ready === undefined ? { disabled: true } : { ready }, ready === undefined),
      (error: unknown) => report({ failed: error instanceof Error ? error.message : String(error) }, true),
    );
  });
}

function report(message: Report, last: boolean): void {
  process.send?.(message, () => {
    if (last) process.exit(0);
  });
}

/** @returns undefined if the configuration switches the cache off */
async function serve({ env, cwd }: Start): Promise<Ready | undefined> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const context: CliContext = { cwd, env, stdin: Readable.from([]), stdout: nowhere, stderr: nowhere };
  const { agent: here, resolved } = await agentHere(context);
  const { config } = resolved;
  if (!config["api.enabled"]) return undefined;
  const { socket, store } = apiPlace(context, config);
  // What is wrong with the secret, the API service says.
  const fleet = config["api.persistence"] ? await fleetSecret(env, config).catch(() => undefined) : undefined;
  // Before the cache opens, so that the first read finds it. Bounded: 2 s.
  const restored = fleet && (await restorePack(env, store, fleet));
  const caches = addressCaches(env);
  const parts = await agentParts({ ...here, ...(caches && { caches }) }, resolved, undefined);
  // Jobs of one machine may share what is kept, not the process: another job's agent ends with that job.
  const place = { ...parts.place, lockName: `\0foregone-job-${process.pid}` };
  const daemon = await startDaemon({ ...parts, place, clock: systemClock, version: VERSION, store: here.store });
  const stop = (why: string): void => void daemon.stop(why).finally(() => process.exit(0));
  process.once("SIGTERM", () => stop("SIGTERM"));
  process.once("disconnect", () => stop("the supervisor is gone"));
  const { api } = daemon.status().services;
  if (api?.state !== "up") throw new Error(`the API cache: ${api?.detail ?? "not started"}`);
  return {
    doors: (await askRunning(socket, "GET", "doors")) as ApiDoors,
    hosts: engineOptions(config).hosts,
    passHosts: config["api.pass-hosts"],
    origins: config["api.upstreams"],
    store,
    pack: restored && { name: restored.name, perKey: config["api.candidates"] },
    notes: [...resolved.notes.map(describe), ...(restored === undefined ? [] : [restored.note])],
  };
}
