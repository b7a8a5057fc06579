import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { hexOf } from "../../core/digest.ts";
import { nodeHasher, systemRandom } from "../../node/ports.ts";
import { cacheBucketOf, serviceParts, startedDouble } from "../../testing/actions/double-parts.ts";
import { official } from "../../testing/actions/official.ts";
import { digestOf, entryOf, storeContract } from "../../testing/store.contract.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import { bucketStore } from "../bucket.ts";
import { sealed } from "../sealed.ts";
import { CACHE_VERSION, readableScopes } from "./results-service.ts";

const weak = digestOf("action");
const records = `records/${hexOf(weak)}`;

storeContract("the Actions cache", async () =>
  bucketStore(cacheBucketOf(serviceParts(await startedDouble())), nodeHasher),
);
storeContract("the Actions cache, sealed,", async () =>
  bucketStore(
    sealed(cacheBucketOf(serviceParts(await startedDouble())), Buffer.alloc(32, 1), systemRandom, () => undefined),
    nodeHasher,
  ),
);

test("the version is the one the official client computes of its path", () => {
  expect(CACHE_VERSION).toBe("fd5c5d2c22c0e05b02891f90d0a947131a42310eed8b10d2d3d8438122a040fc");
});

test("@actions/cache finds what we wrote, by key and by prefix, and nothing under another path", async (context) => {
  if (spawnSync("zstd", ["--version"]).status !== 0)
    context.skip("zstd is not installed: the official client then computes another version");
  const double = await startedDouble();
  const run = double.run({ headSha: "1" });
  const bucket = cacheBucketOf(serviceParts(double, ["refs/heads/main"], run));
  await bucket.put(`blobs/${hexOf(digestOf("large"))}`, Buffer.alloc(100_000, 1));
  await bucket.addLine(records, Buffer.from("a line"));
  const [large = "", bundle = ""] = double.caches.rows.map(({ key }) => key);
  expect(bundle).toMatch(new RegExp(`^foregone-r1-${hexOf(weak)}-9182-1-[0-9a-f]{8}$`));
  const env = double.env(run, ["refs/heads/main"]);
  const { results, log } = await official(env, temporaryFolder(), [
    ["lookupCache", ["foregone-records-1"], large],
    ["lookupCache", ["foregone-records-1"], `foregone-r1-${hexOf(weak)}-`, [`foregone-r1-${hexOf(weak)}-`]],
    ["lookupCache", ["elsewhere"], large],
  ]);
  expect(
    results.map(({ value }) => value),
    log,
  ).toEqual([large, bundle, null]);
});

describe("a job", () => {
  test("finds in one download what the last one recorded: record, output, line", async () => {
    const double = await startedDouble();
    const writer = bucketStore(cacheBucketOf(serviceParts(double)), nodeHasher);
    const digests = [await writer.blobs.put(Buffer.from("record")), await writer.blobs.put(Buffer.from("output"))];
    await writer.records.append(weak, entryOf("set", "s", 1));
    double.requests.length = 0;
    const reader = bucketStore(cacheBucketOf(serviceParts(double)), nodeHasher);
    expect(await reader.records.lookup(weak)).toMatchObject([{ ...entryOf("set", "s", 1), via: "actions-cache" }]);
    expect(await reader.blobs.findMissing(digests)).toEqual([]);
    expect(Buffer.from((await reader.blobs.get(digests[1] ?? weak)) ?? []).toString()).toBe("output");
    // The second search is for marks that disown.
    expect(double.requests.toSorted()).toEqual(["GetCacheEntryDownloadURL", "GetCacheEntryDownloadURL", "blob-get"]);
  });

  test("carries the newest records on, and lets the values of old ones go", async () => {
    const double = await startedDouble();
    const writer = bucketStore(cacheBucketOf(serviceParts(double)), nodeHasher);
    const digests = [];
    for (let i = 0; i <= 20; i++) {
      digests.push(await writer.blobs.put(Buffer.from(`record ${i}`)));
      await writer.records.append(weak, entryOf("set", `s${i}`, i));
    }
    const reader = bucketStore(cacheBucketOf(serviceParts(double)), nodeHasher);
    expect(await reader.records.lookup(weak)).toHaveLength(21);
    expect(await reader.blobs.findMissing(digests)).toEqual(digests.slice(0, 1));
  });

  test("sees its own scope first, then the default branch, never another pull request's", async () => {
    const double = await startedDouble();
    const of = (...scopes: string[]) => bucketStore(cacheBucketOf(serviceParts(double, scopes)), nodeHasher);
    await of("refs/pull/8/merge", "refs/heads/main").records.append(weak, entryOf("set", "other", 1));
    const mine = of("refs/pull/7/merge", "refs/heads/main");
    expect(await mine.records.lookup(weak)).toEqual([]);
    await of("refs/heads/main").records.append(weak, entryOf("set", "main", 2));
    expect(await mine.records.lookup(weak)).toMatchObject([{ strong: digestOf("main") }]);
    expect(await of("refs/heads/main").records.lookup(weak)).toHaveLength(1);
  });

  test("does not take a key that only begins alike", async () => {
    const double = await startedDouble();
    const parts = serviceParts(double);
    const bucket = cacheBucketOf(parts);
    await bucket.put(`blobs/${hexOf(digestOf("x"))}`, Buffer.alloc(100_000, 1));
    const row = double.caches.rows[0];
    if (row !== undefined) Object.assign(row, { key: `${row.key}-nightly` });
    expect(await cacheBucketOf(parts).missing([`blobs/${hexOf(digestOf("x"))}`])).toHaveLength(1);
  });

  test("with a read-only token is refused once, by name", async () => {
    const double = await startedDouble();
    const scope = { scope: "refs/heads/main", read: true, write: false };
    const { records } = bucketStore(cacheBucketOf(serviceParts(double, [scope])), nodeHasher);
    await expect(records.append(weak, entryOf("set", "s", 1))).rejects.toMatchObject({ code: "read-only" });
    expect(await records.lookup(weak)).toEqual([]);
  });

  test("reads its scopes from its token", async () => {
    const { token } = serviceParts(await startedDouble(), ["refs/pull/7/merge", "refs/heads/main"]);
    expect(readableScopes(token)).toEqual(["refs/pull/7/merge", "refs/heads/main"]);
    expect(readableScopes("no.token")).toEqual([]);
  });
});
