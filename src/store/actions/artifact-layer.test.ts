import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../core/digest.ts";
import { nodeHasher, systemRandom } from "../../node/ports.ts";
import { nodeDeflate } from "../../node/store-files.ts";
import { serviceParts, startedDouble } from "../../testing/actions/double-parts.ts";
import { type ActionsDouble, REST_TOKEN, sha1 } from "../../testing/actions/double.ts";
import { official } from "../../testing/actions/official.ts";
import { digestOf, entryOf } from "../../testing/store.contract.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import { decodeArtifact, encodeArtifact, pack, unpack } from "./artifact-file.ts";
import { ArtifactLayer } from "./artifact-layer.ts";

const weak = digestOf("action");

function layerOf(double: ActionsDouble, run = double.run({ headSha: sha1("1") })): ArtifactLayer {
  const service = { ...serviceParts(double, ["refs/heads/main"], run), layer: "artifacts" };
  const { fullName } = double.repository;
  return new ArtifactLayer({
    rest: { ...service, apiUrl: double.apiUrl, repository: fullName, token: REST_TOKEN },
    service,
    expiresAt: () => "2030-01-01T00:00:00Z",
    hasher: nodeHasher,
    deflate: nodeDeflate,
    choose: async (found) => found,
  });
}

async function recordOf(layer: ArtifactLayer, more: readonly Uint8Array[] = []): Promise<Digest> {
  for (const bytes of more) await layer.blobs.put(bytes);
  const record = await layer.blobs.put(Buffer.from("record"));
  await layer.records.append(weak, { ...entryOf("set", "s", 1), record });
  return record;
}

test("@actions/artifact lists and downloads what we uploaded, and its digest is right", async () => {
  const double = await startedDouble();
  const run = double.run({ headSha: sha1("1") });
  await recordOf(layerOf(double, run));
  const folder = temporaryFolder();
  const { results, log } = await official(double.env(run, ["refs/heads/main"]), folder, [
    ["listArtifacts"],
    ["downloadArtifact", 100, join(folder, "got"), double.artifacts.rows[0]?.digest],
  ]);
  const name = `foregone-r1-${weak.slice(7, 39)}`;
  expect(results[0]?.value, log).toMatchObject({ artifacts: [{ name, id: 100 }] });
  expect(results[1]?.value, log).toMatchObject({ digestMismatch: false });
  expect(readFileSync(join(folder, "got", "entry"))).toHaveLength(112);
});

test("other runs find the record, and GitHub's word for who uploaded it", async () => {
  const double = await startedDouble();
  const run = double.run({ headSha: sha1("1"), headBranch: "topic", headRepositoryId: 7 });
  const record = await recordOf(layerOf(double, run));
  const reader = layerOf(double);
  expect(await reader.records.lookup(weak)).toMatchObject([{ record, via: "artifacts" }]);
  expect(reader.origins(record)).toEqual([
    { artifactId: "100", runId: String(run.id), headSha: sha1("1"), headBranch: "topic", headRepositoryId: "7" },
  ]);
  expect(Buffer.from((await reader.blobs.get(record)) ?? []).toString()).toBe("record");
  expect(await reader.records.lookup(digestOf("another"))).toEqual([]);
});

test("large values lie in a second artifact, fetched when they are wanted, once", async () => {
  const double = await startedDouble();
  const large = [1, 2].map(() => Buffer.from(systemRandom.bytes(200_000)));
  await recordOf(layerOf(double), large);
  const reader = layerOf(double);
  await reader.records.lookup(weak);
  const digests = large.map((bytes) => `sha256:${nodeHasher.sha256(bytes)}` as Digest);
  expect(await reader.blobs.findMissing([...digests, digestOf("other")])).toEqual([digestOf("other")]);
  double.requests.length = 0;
  const got = await Promise.all(digests.map((digest) => reader.blobs.get(digest)));
  expect(got.map((bytes, i) => Buffer.compare(bytes ?? Buffer.alloc(0), large[i] ?? Buffer.alloc(1)))).toEqual([0, 0]);
  expect(double.requests).toEqual(["rest-artifacts", "rest-zip", "blob-get"]);
});

test("a run uploads one record of an Action; what expired is not listed; marks are not kept", async () => {
  const double = await startedDouble();
  const layer = layerOf(double);
  await recordOf(layer);
  await recordOf(layer);
  await layer.records.append(weak, { ...entryOf("set", "s", 9), disowned: true });
  expect(double.artifacts.rows).toHaveLength(1);
  expect(await layerOf(double).records.lookup(weak)).toHaveLength(1);
  const row = double.artifacts.rows[0];
  if (row !== undefined) row.expired = true;
  expect(await layerOf(double).records.lookup(weak)).toEqual([]);
});

describe("a zip of somebody else", () => {
  const good = encodeArtifact({
    entry: entryOf("set", "s", 1),
    elsewhere: new Set([digestOf("far")]),
    values: new Map([[digestOf("near"), pack(Buffer.from("near"), nodeDeflate)]]),
  });

  test("round trip", () => {
    const decoded = decodeArtifact(good, 10_000);
    expect(decoded?.entry).toEqual(entryOf("set", "s", 1));
    expect([...(decoded?.elsewhere ?? [])]).toEqual([digestOf("far")]);
    const packed = decoded?.values.get(digestOf("near")) ?? Buffer.alloc(0);
    expect(Buffer.from(unpack(packed, nodeDeflate, 100) ?? []).toString()).toBe("near");
  });

  test("cut at each byte or with each byte another: an answer, never an exception", () => {
    for (let at = 0; at < good.length; at++) {
      decodeArtifact(good.subarray(0, at), 10_000);
      const spoiled = Buffer.from(good);
      spoiled[at] = (spoiled[at] ?? 0) ^ 0x55;
      expect(decodeArtifact(spoiled, 10_000)?.values.size ?? 0).toBeLessThan(2);
    }
  });

  test("a deflated file, a file of another name, a name that is none", () => {
    const bomb = zipSync({ [`v/${"0".repeat(64)}`]: new Uint8Array(1_000_000) }, { level: 9 });
    expect(decodeArtifact(bomb, 10_000)?.values.size).toBe(0);
    const odd = zipSync({ "../x": Buffer.from("x"), __proto: Buffer.from("x"), "v/x": Buffer.from("x") }, { level: 0 });
    expect(decodeArtifact(odd, 10_000)).toEqual({ entry: undefined, elsewhere: new Set(), values: new Map() });
    expect(decodeArtifact(good, good.length - 1)).toBeUndefined();
  });

  test("a value that inflates beyond the bound is none", () => {
    const packed = pack(Buffer.alloc(1_000_000), nodeDeflate);
    expect(packed.length).toBeLessThan(5_000);
    expect(unpack(packed, nodeDeflate, 999_999)).toBeUndefined();
    expect(unpack(packed, nodeDeflate, 1_000_000)).toHaveLength(1_000_000);
    expect(unpack(Buffer.from([7, 1, 2]), nodeDeflate, 100)).toBeUndefined();
    expect(unpack(Buffer.alloc(0), nodeDeflate, 100)).toBeUndefined();
  });
});
