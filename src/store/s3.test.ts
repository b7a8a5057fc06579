import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { type S3Server, s3Server } from "../testing/s3-server.ts";
import { storeContract } from "../testing/store.contract.ts";
import { bucketStore } from "./bucket.ts";
import type { EngineBucket } from "./redis.ts";
import { s3Bucket } from "./s3.ts";
import { sealed } from "./sealed.ts";

const limits = { deadlineMs: 5000, maxBytes: 2 << 20, clock: systemClock };
const secret = Buffer.alloc(32, 1);

describe("S3", () => {
  let server: S3Server;
  const opened: EngineBucket[] = [];
  let made = 0;
  const bucket = async (): Promise<EngineBucket> => {
    const one = await s3Bucket("s3", server.address, { prefix: `test${made++}/`, ...limits });
    opened.push(one);
    return one;
  };
  beforeAll(async () => {
    server = await s3Server();
  });
  afterAll(async () => {
    for (const each of opened) each.close();
    await server[Symbol.asyncDispose]();
  });

  storeContract("S3, sealed,", async () =>
    bucketStore(
      sealed(await bucket(), secret, systemRandom, () => undefined),
      nodeHasher,
    ),
  );

  test("values of no bytes are values", async () => {
    const one = await bucket();
    await one.put("empty", Buffer.alloc(0));
    expect(await one.get("empty")).toHaveLength(0);
    expect(await one.missing(["empty", "other"])).toEqual(["other"]);
  });
});
