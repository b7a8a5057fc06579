import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { configurationOf } from "../cli/configuration.ts";
import { nodeHasher, systemClock } from "../node/ports.ts";
import { sharedStore } from "../peers/registry/shared-store.ts";
import { engineOf } from "../store/shared.ts";
import { diskFolder } from "../testing/disk-folder.ts";
import { LAB_KEYS, LAB_NETWORK } from "../testing/mesh-lab.ts";
import { redisMissing, redisServer } from "../testing/redis-server.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { openLog } from "./log.ts";
import { agentPlace } from "./paths.ts";
import type { PeersService } from "./peers-service.ts";
import { hostedPeers } from "./peers-wiring.ts";

async function peers(env: Readonly<Record<string, string>>): Promise<PeersService | string> {
  const home = temporaryFolder();
  const store = join(home, "store");
  const all = {
    HOME: home,
    FOREGONE_MESH_SECRET: Buffer.alloc(32, 7).toString("hex"),
    FOREGONE_P2P_NETWORK_NETWORK_ID: LAB_NETWORK,
    FOREGONE_P2P_NETWORK_LISTEN_ADDRESSES: "127.0.0.1",
    P2P_LISTEN_PORT: "0",
    ...env,
  };
  const place = agentPlace({ hasher: nodeHasher, runtime: home, uid: 0, store, defaultStore: store, socket: null });
  const { config } = await configurationOf({ cwd: home, env: all });
  return hostedPeers({ cwd: home, env: all, version: "1", store, defaultStore: store }, config, {
    place,
    log: openLog({ path: join(home, "log"), level: "debug", maxBytes: 1e6, now: () => "NOW" }),
    folder: diskFolder(),
    onStoreEvent: () => undefined,
  });
}

test("an agent announces itself in p2p.discovery.shared_store", async (context) => {
  // Needs a real Redis: .ci/run installs it; elsewhere the reason says what is missing.
  if (redisMissing !== undefined) return context.skip(redisMissing);
  await using server = await redisServer();
  const url = `redis://127.0.0.1:${server.address.port}`;
  const service = await peers({ FOREGONE_P2P_DISCOVERY_SHARED_STORE: url });
  if (typeof service === "string") throw new Error(service);
  await service.start();
  const [{ kid }] = LAB_KEYS;
  const parts = { space: kid.toString("hex"), keepMs: 60_000, deadlineMs: 2000, effects: { clock: systemClock } };
  const address = { ...server.address, engine: "redis" as const, shown: url };
  const bucket = await engineOf("redis", address, parts, 4096);
  onTestFinished(() => bucket.close());
  const registry = sharedStore(bucket, LAB_NETWORK, LAB_KEYS, 900_000, () => systemClock.now());
  await vi.waitFor(
    async () => expect(await registry.list()).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\//)]),
    {
      timeout: 10_000,
    },
  );
  await service.stop();
});

test("an address that is none is a warning, not the end of peers", async () => {
  const service = await peers({ FOREGONE_P2P_DISCOVERY_SHARED_STORE: "ftp://nowhere" });
  expect(typeof service).toBe("object");
});
