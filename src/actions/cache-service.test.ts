import { expect, test } from "vitest";
import { systemClock } from "../node/ports.ts";
import { peerIdOf, peerIdText } from "../peers/identity.ts";
import { meshKey, type MeshKeys } from "../peers/mesh-key.ts";
import { actionsCache } from "../peers/registry/actions-cache.ts";
import type { PeerRegistry } from "../peers/registry/registry.ts";
import { ActionsDouble } from "../testing/actions/double.ts";
import { addressCaches, type Env } from "./cache-service.ts";

const NETWORK = "github.com/acme/shop";
const LIFE_MS = 900_000;
const keysOf = (n: number): MeshKeys => [meshKey(Buffer.alloc(32, n), 1, NETWORK)];
const selfOf = (n: number) => ({
  peer: peerIdText(peerIdOf(Buffer.alloc(32, n))),
  addresses: [`/ip4/10.0.4.${n}/tcp/9000`],
});

function registryOf(env: Env, keys = keysOf(1), now: () => number = () => systemClock.now()): PeerRegistry {
  const caches = addressCaches(env);
  if (caches === undefined) throw new Error("no cache service");
  return actionsCache({ keys, prefix: "p2p-peers", lifeMs: LIFE_MS, maxPeers: 10, now, ...caches });
}

test("a later job finds the one before, also beside its own announcement; another mesh finds nobody", async () => {
  await using actions = await new ActionsDouble().start();
  const env = {
    ...actions.env(actions.run({ headSha: "1".repeat(40) }), ["refs/heads/main"]),
    RUNNER_ENVIRONMENT: "self-hosted",
  };
  const first = registryOf(env);
  expect(await first.list()).toEqual([]);
  await first.announce?.(selfOf(7));
  const second = registryOf(env);
  await second.announce?.(selfOf(8));
  expect(await second.list()).toEqual([...selfOf(8).addresses, ...selfOf(7).addresses]);
  expect(await first.list()).toEqual(selfOf(8).addresses);
  expect(await registryOf(env, keysOf(2)).list()).toEqual([]);
  for (const { key } of actions.caches.rows) expect(key).not.toMatch(/10\.0\.4|9000|12D3KooW|acme/);
});

test("an announcement is made again after ten minutes only, and is over after its life", async () => {
  await using actions = await new ActionsDouble().start();
  const env = {
    ...actions.env(actions.run({ headSha: "1".repeat(40) }), ["refs/heads/main"]),
    RUNNER_ENVIRONMENT: "self-hosted",
  };
  let now = systemClock.now() as number;
  const registry = registryOf(env, keysOf(1), () => now);
  await registry.announce?.(selfOf(7));
  await registry.announce?.(selfOf(7));
  expect(actions.caches.rows).toHaveLength(1);
  now += 600_000;
  await registry.announce?.(selfOf(7));
  expect(actions.caches.rows).toHaveLength(2);
  now += LIFE_MS + 60_001;
  expect(await registryOf(env, keysOf(1), () => now).list()).toEqual([]);
});

test("a job that may only read finds others, and its announcement is refused", async () => {
  await using actions = await new ActionsDouble().start();
  const run = actions.run({ headSha: "1".repeat(40) });
  const writer = { ...actions.env(run, ["refs/heads/main"]), RUNNER_ENVIRONMENT: "self-hosted" };
  await registryOf(writer).announce?.(selfOf(7));
  const scope = { scope: "refs/heads/main", read: true, write: false };
  const reader = registryOf({ ...actions.env(run, [scope]), RUNNER_ENVIRONMENT: "self-hosted" });
  await expect(reader.announce?.(selfOf(8))).rejects.toThrow("may only read");
  expect(await reader.list()).toEqual(selfOf(7).addresses);
});

test.each([
  ["on GitHub's own runners", { RUNNER_ENVIRONMENT: "github-hosted" }],
  ["without a cache service", { ACTIONS_RESULTS_URL: "" }],
])("%s nothing is announced", async (_where, more) => {
  await using actions = await new ActionsDouble().start();
  const env = actions.env(actions.run({ headSha: "1".repeat(40) }), ["refs/heads/main"]);
  expect(addressCaches({ ...env, RUNNER_ENVIRONMENT: "self-hosted", ...more })).toBeUndefined();
});
