// The library in its caller's process, and reads from disk beside one JSON file a key.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quick } from "../../src/cli/api/open.ts";
import { Engine } from "../../src/github/engine.ts";
import type { ApiRequest } from "../../src/github/message.ts";
import { deriveKeys } from "../../src/github/seal.ts";
import { createFetch } from "../../src/octokit.ts";
import { diskStore } from "../../src/store/disk.ts";
import { openFolder } from "../../src/store/folder.ts";
import { diskEffects } from "../../src/testing/disk-effects.ts";
import { PROVEN } from "../../src/testing/github-engine.ts";
import { GitHubSemantics } from "../../src/testing/github-semantics.ts";
import { doubleUpstream } from "../../src/testing/github-server.ts";
import { alternate, BODY, type Latency, OPTIONS, PATH, ports, sample } from "./times.ts";

export async function libraryTimes(scratch: string, origin: string, rounds: number): Promise<Record<string, Latency>> {
  const env = { HOME: scratch, FOREGONE_API_LEASE_DEFAULT: "5m" };
  const read = createFetch({ origins: { "api.github.com": origin }, env });
  const headers = { authorization: "token ghp_lib" };
  const get = async (): Promise<number> => {
    const from = performance.now();
    await (await read(`https://api.github.com${PATH}`, { headers })).arrayBuffer();
    return performance.now() - from;
  };
  await get();
  const result = await alternate({ "memory hit, fetch": get }, 5000, rounds);

  // Disk: a lease that lives, whose bytes are in the store alone; beside one JSON file per key.
  const folder = openFolder(diskEffects, join(scratch, "disk"));
  const bytes: Record<number, Buffer> = { 20: sample(20_000), 200: sample(200_000) };
  const upstream = doubleUpstream(
    new GitHubSemantics(
      ({ path }) => ({
        status: 200,
        headers: { "content-type": "application/json" },
        body: bytes[Number(path.split("/")[4])] ?? BODY,
      }),
      { limit: 1e12 },
    ),
  );
  const lease = { status: 300, default: 300, metadata: 300, immutable: 3600 };
  const options = {
    ...OPTIONS,
    candidates: { ...OPTIONS.candidates, memoryBytes: 1 },
    reads: { ...OPTIONS.reads, leases: { ...OPTIONS.reads.leases, lease } },
  };
  const engine = new Engine(
    { ...ports, upstream, sleep: async () => undefined, onEvent: () => undefined },
    diskStore(quick(folder)),
    deriveKeys(new Uint8Array(32), ""),
    options,
    PROVEN,
  );
  const KEYS = 200;
  const ask = (kb: number, i: number): ApiRequest => ({
    method: "GET",
    host: "api.github.com",
    path: `/repos/o/r/${kb}/${i % KEYS}`,
    headers: { authorization: "token a" },
  });
  for (const kb of [20, 200])
    for (let i = 0; i < KEYS; i++) {
      await engine.handle(ask(kb, i));
      writeFileSync(
        join(scratch, `${kb}-${i}.json`),
        JSON.stringify({ headers: {}, body: (bytes[kb] ?? BODY).toString() }),
      );
    }
  await engine.flush();
  const disk =
    (kb: number) =>
    async (i: number): Promise<number> => {
      const from = performance.now();
      const answer = await engine.handle(ask(kb, i));
      if (answer.mode !== "FRESH") throw new Error(`expected a lease, got ${answer.mode}`);
      return performance.now() - from;
    };
  const file =
    (kb: number) =>
    (i: number): number => {
      const from = performance.now();
      Buffer.from((JSON.parse(readFileSync(join(scratch, `${kb}-${i % KEYS}.json`), "utf8")) as { body: string }).body);
      return performance.now() - from;
    };
  return {
    ...result,
    ...(await alternate(
      {
        "disk hit, 20 KB": disk(20),
        "JSON file, 20 KB": file(20),
        "disk hit, 200 KB": disk(200),
        "JSON file, 200 KB": file(200),
      },
      400,
      rounds,
    )),
  };
}
