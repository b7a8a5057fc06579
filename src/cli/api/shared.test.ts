// Machines with folders of their own that share a Redis: one call to GitHub for all, and each is certified under its own token.
import { request } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { defaultConfiguration } from "../../config/resolve.ts";
import { GitHubSemantics } from "../../testing/github-semantics.ts";
import { serveDouble } from "../../testing/github-server.ts";
import { GitHubTable } from "../../testing/github-table.ts";
import { redisMissing, redisServer } from "../../testing/redis-server.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import { openApiProxy } from "./open.ts";

const WARM = ["/repos/acme/a", "/repos/acme/b", "/repos/acme/c"];
const SHARED = "/repos/acme/shop";

async function fleet(size: number, shared: string) {
  const table = new GitHubTable();
  for (const path of [...WARM, SHARED]) table.set(path, { name: path });
  const double = new GitHubSemantics(table.origin);
  const server = await serveDouble(double);
  onTestFinished(() => server.close());
  const told: string[] = [];
  const machines = await Promise.all(
    Array.from({ length: size }, async () => {
      const folder = temporaryFolder();
      const proxy = await openApiProxy({
        config: {
          ...defaultConfiguration().config,
          "store.shared": [shared],
          "p2p.network.network_id": "github.com/acme/shop",
        },
        env: { FOREGONE_MESH_SECRET: "5a".repeat(32) },
        storeFolder: `${folder}/api`,
        doors: { baseUrlPort: 0 },
        origins: { "api.github.com": server.origin },
        onEvent: (event) => told.push(JSON.stringify(event)),
        onNote: (line) => told.push(line),
      });
      onTestFinished(() => proxy.close());
      return (path: string): Promise<string> => get(`${proxy.status().doors.apiUrl}${path}`);
    }),
  );
  const statuses = (path: string): number[] =>
    double.log.filter((call) => call.path === path).map(({ status }) => status);
  return { machines, statuses, told };
}

function get(url: string): Promise<string> {
  return new Promise((done, reject) => {
    const headers = { authorization: "Bearer ghp_0123456789abcdefghij" };
    request(url, { headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => done(`${response.statusCode} ${text}`));
    })
      .once("error", reject)
      .end();
  });
}

describe.skipIf(redisMissing !== undefined)(`the API cache over Redis (${redisMissing ?? "redis-server"})`, () => {
  test("what five machines ask at once costs one paid call; the others are certified", async () => {
    await using redis = await redisServer();
    const { machines, statuses } = await fleet(5, `redis://127.0.0.1:${redis.address.port}`);
    // Each learns from answers of its own that tags can be computed here.
    for (const machine of machines) for (const path of WARM) await machine(path);
    const answers = await Promise.all(machines.map((machine) => machine(SHARED)));
    expect(new Set(answers)).toEqual(new Set([`200 ${JSON.stringify({ name: SHARED })}`]));
    expect(statuses(SHARED).toSorted((a, b) => a - b)).toEqual([200, 304, 304, 304, 304]);
  });
});

test("a Redis that is not there changes no answer", async () => {
  const { machines, statuses, told } = await fleet(1, "redis://u:hunter2@127.0.0.1:1");
  expect(await machines[0]?.(SHARED)).toBe(`200 ${JSON.stringify({ name: SHARED })}`);
  expect(statuses(SHARED)).toEqual([200]);
  expect(told.join()).toContain("redis ECONNREFUSED");
  expect(told.join()).not.toContain("hunter2");
});
