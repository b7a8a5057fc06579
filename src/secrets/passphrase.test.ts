import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { systemRandom } from "../node/ports.ts";
import { openMasterKey, pbkdf2Sha256, sealMasterKey } from "./passphrase.ts";

interface Pbkdf2Case {
  readonly tcId: number;
  readonly password: string;
  readonly salt: string;
  readonly iterationCount: number;
  readonly dkLen: number;
  readonly dk: string;
}
const hex = (text: string): Buffer => Buffer.from(text, "hex");

test("pbkdf2Sha256() agrees with every Wycheproof case", async () => {
  const file = JSON.parse(readFileSync("test/vectors/wycheproof/pbkdf2_hmacsha256_test.json", "utf8")) as {
    testGroups: { tests: Pbkdf2Case[] }[];
  };
  const cases = file.testGroups.flatMap((g) => g.tests);
  expect(cases.length).toBe(60);
  for (const c of cases)
    expect(await pbkdf2Sha256(hex(c.password), hex(c.salt), c.iterationCount, c.dkLen), `${c.tcId}`).toEqual(hex(c.dk));
});

test.each(["scrypt", "pbkdf2"] as const)("a master key sealed with %s opens with its passphrase alone", async (kdf) => {
  const master = Buffer.from(systemRandom.bytes(32));
  const line = await sealMasterKey(systemRandom, Buffer.from("correct horse"), "k1", master, kdf);
  expect(await openMasterKey(Buffer.from("correct horse"), line)).toEqual({ kid: "k1", master });
  expect(await openMasterKey(Buffer.from("correct hors"), line)).toBe("wrong-passphrase");
  expect(await openMasterKey(Buffer.from("correct horse"), line.replace("kid=k1", "kid=k2"))).toBe("wrong-passphrase");
  const other = kdf === "scrypt" ? "pbkdf2" : "scrypt";
  expect(await openMasterKey(Buffer.from("correct horse"), line.replace(kdf, other))).toBe("wrong-passphrase");
  expect(await openMasterKey(Buffer.from("correct horse"), line.slice(0, -8))).toBe("wrong-passphrase");
  expect(await openMasterKey(Buffer.from("correct horse"), "foregone-master-key/1 kid=k1 AAAA")).toBe("not-a-key");
});
