import { expect, test } from "vitest";
import { parseSharedAddress } from "./shared-address.ts";

const KEYS = { FOREGONE_S3_ACCESS_KEY_ID: "id", FOREGONE_S3_SECRET_ACCESS_KEY: "hush" };

test.each([
  ["redis://10.0.4.2", { host: "10.0.4.2", port: 6379, tls: false }],
  ["rediss://ci:p%40ss@cache.example:6380/3", { username: "ci", password: "p@ss", port: 6380, tls: true, database: 3 }],
  ["redis://:only@[::1]:7000", { host: "::1", password: "only", port: 7000 }],
  ["s3://builds", { endpoint: "https://s3.us-east-1.amazonaws.com/builds", prefix: "", accessKeyId: "id" }],
  ["s3://builds/a/b?region=eu-west-1", { endpoint: "https://s3.eu-west-1.amazonaws.com/builds", prefix: "a/b/" }],
  [
    "https://u:w@minio.example:9000/store",
    { endpoint: "https://minio.example:9000/store", accessKeyId: "u", secretAccessKey: "w" },
  ],
  ["http://127.0.0.1:9000/store/x", { endpoint: "http://127.0.0.1:9000/store", prefix: "x/", secretAccessKey: "hush" }],
])("%s is an address", (text, expected) => {
  expect(parseSharedAddress(text, KEYS)).toMatchObject(expected);
});

test.each([
  "hunter2",
  "ftp://u:hunter2@host/x",
  "redis://u:hunter2@host/not-a-number",
  "redis://u:hunter2%@host",
  "https://u:hunter2@host",
  "s3://u:hunter2@UPPER_case",
  "https://host/bucket?region=a%20b",
])("%s is a problem that tells no password", (text) => {
  const parsed = parseSharedAddress(text, KEYS);
  expect(parsed).toHaveProperty("problem");
  expect(JSON.stringify(parsed)).not.toContain("hunter2");
});

test("S3 without credentials, or with temporary ones of AWS, is a problem that says what to set", () => {
  expect(parseSharedAddress("s3://builds", {})).toMatchObject({
    problem: expect.stringContaining("FOREGONE_S3_") as string,
  });
  const temporary = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "k", AWS_SESSION_TOKEN: "t" };
  expect(parseSharedAddress("s3://builds", temporary)).toMatchObject({
    problem: expect.stringContaining("AWS_SESSION_TOKEN") as string,
  });
  expect(parseSharedAddress("s3://builds", { ...temporary, AWS_SESSION_TOKEN: "" })).toMatchObject({ engine: "s3" });
});

test("what is shown of an address holds no credential", () => {
  for (const text of ["redis://u:hunter2@host:1/2", "https://u:hunter2@host/bucket/p"])
    expect(parseSharedAddress(text, {})).toMatchObject({ shown: text.replace("u:hunter2@", "") });
});
