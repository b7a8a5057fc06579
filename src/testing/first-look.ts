// The least a short-lived process does with a shared store: load the client, connect, ask once. For bench/shared-stores.
//   argv: "nothing" | "redis" | "s3", port or endpoint
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { openShared } from "../store/shared.ts";
import { digestOf } from "./sample-entry.ts";

const [what = "", where = ""] = process.argv.slice(2);
const parts = {
  secret: Buffer.alloc(32, 2),
  space: "bench",
  signing: undefined,
  writes: true,
  keepMs: 3_600_000,
  deadlineMs: 10_000,
  maxFailures: 3,
  effects: { clock: systemClock, hasher: nodeHasher, random: systemRandom },
  onEvent: () => undefined,
};
const s3 = { endpoint: where, region: "us-east-1", accessKeyId: "S3RVER", secretAccessKey: "S3RVER", prefix: "" };
if (what !== "nothing") {
  const layer = await openShared(
    what,
    what === "redis"
      ? { engine: "redis", shown: "", host: "127.0.0.1", port: Number(where), tls: false }
      : { engine: "s3", shown: "", ...s3 },
    parts,
  );
  await layer.store.records.lookup(digestOf("first look"));
  layer.close();
}
