import { readFileSync } from "node:fs";
import { compactVerify, type JWK } from "jose";
import { describe, expect, test } from "vitest";
import { importKeySet } from "./jwks.ts";
import { ALGORITHM, keyOf } from "./oidc.ts";

// Wycheproof's JWS cases through the broker's own checks: the form of the token, the choice of keys, then jose. A case must be
// accepted exactly if it is valid and its header says RS256, the one algorithm that is believed.
interface JwsCase {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: unknown;
  readonly result: string;
}
interface Group {
  readonly comment: string;
  readonly public?: JWK & { readonly keys?: readonly JWK[] };
  readonly private?: JWK & { readonly keys?: readonly JWK[] };
  readonly tests: readonly JwsCase[];
}

/** ROCA: a key whose primes are guessable. Issuer keys come by TLS or from the owner's file, so their making is trusted. */
const EXEMPT: Readonly<Record<string, readonly number[]>> = { json_web_key: [7], json_web_crypto: [46] };

const isRs256 = (jws: string): boolean => {
  try {
    const header = JSON.parse(Buffer.from(jws.split(".")[0] ?? "", "base64url").toString()) as { alg?: unknown };
    return header.alg === ALGORITHM;
  } catch {
    return false;
  }
};

async function accepts(group: Group, jws: string): Promise<boolean> {
  const given = group.public ?? group.private;
  // The vectors' keys are bare; GitHub's say what they are for. What they do say is kept.
  const keys = (given?.keys ?? [given]).map((key) => ({ use: "sig", ...key }));
  try {
    const set = await importKeySet(JSON.stringify({ keys }));
    const found = await keyOf(jws, (kid) => Promise.resolve(set.get(kid)));
    if ("fault" in found) return false;
    await compactVerify(jws, found.key, { algorithms: [ALGORITHM] });
    return true;
  } catch {
    return false;
  }
}

describe.each([
  ["json_web_signature", 401, 8],
  ["json_web_key", 26, 1],
  ["json_web_crypto", 49, 1],
] as const)("%s", (name, total, valid) => {
  const file = JSON.parse(readFileSync(`test/vectors/wycheproof/${name}_test.json`, "utf8")) as { testGroups: Group[] };
  const cases = file.testGroups.flatMap((group) =>
    group.tests
      .filter((test) => test.jws !== undefined)
      // A JSON serialisation arrives as the text it is.
      .map((test) => ({ group, test, jws: typeof test.jws === "string" ? test.jws : JSON.stringify(test.jws) })),
  );

  test("is accepted exactly where it is valid and RS256", async () => {
    const wrong: string[] = [];
    let accepted = 0;
    for (const { group, test, jws } of cases) {
      const expected = test.result === "valid" && isRs256(jws);
      const found = await accepts(group, jws);
      if (found) accepted += 1;
      if (found !== expected && EXEMPT[name]?.includes(test.tcId) !== true)
        wrong.push(`${test.tcId} ${group.comment} ${test.comment}: ${found}`);
    }
    expect(wrong).toEqual([]);
    expect([cases.length, accepted]).toEqual([total, valid + (EXEMPT[name]?.length ?? 0)]);
  });
});
