// Looks for what must not be anywhere: credentials, their bare hashes, and what a reader of the disk could learn or confirm of
// answers: bodies, addresses, and the digests of either that anybody can make.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { expect } from "vitest";
import { pathSetDigest } from "../core/observation.ts";
import { nodeHasher } from "../node/ports.ts";
import type { GitHubSemantics } from "./github-semantics.ts";

export interface Found {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every file, with its name as text too. Fails if another user could read one. */
export function filesBelow(folder: string): readonly Found[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const name = `${entry.parentPath}/${entry.name}`;
      expect(statSync(name).mode & 0o077, name).toBe(0);
      return { name, bytes: Buffer.concat([Buffer.from(`${name}\n`), readFileSync(name)]) };
    });
}

/** Of all requests that the double got: tokens, paths and what was in the answers, plain and as hashes. */
export function secretsOf({ log }: GitHubSemantics, bodies: readonly string[] = []): ReadonlyMap<string, Buffer> {
  const secrets = new Map<string, Buffer>();
  const add = (what: string, text: string): void => {
    secrets.set(what, Buffer.from(text));
    for (const algorithm of ["sha256", "sha1", "md5"]) {
      const hash = createHash(algorithm).update(text).digest();
      secrets.set(`${algorithm} of ${what}`, hash);
      for (const coding of ["hex", "base64"] as const)
        secrets.set(`${algorithm} ${coding} of ${what}`, Buffer.from(hash.toString(coding)));
    }
  };
  for (const { token, path, headers } of log) {
    if (token !== "") add(`token ${token}`, token);
    const { authorization } = headers;
    if (authorization !== undefined) add(`header ${authorization}`, authorization);
    add(`path ${path}`, path);
    add(`address ${path}`, `https://api.github.com${path}`);
    const key = `GET https://api.github.com${path}`;
    add(`request ${path}`, key);
    const question = pathSetDigest(nodeHasher, [{ kind: "http", key }]);
    secrets.set(`question ${path}`, Buffer.from(question));
    secrets.set(`question ${path}, raw`, Buffer.from(question.replace(/^.*:/, ""), "hex"));
  }
  for (const body of bodies) add(`body ${body.slice(0, 40)}`, body);
  // Of the tables that tests use.
  for (const text of ["full_name", "label-1", '"description"']) secrets.set(text, Buffer.from(text));
  return secrets;
}

export function expectNothingOf(found: readonly Found[], secrets: ReadonlyMap<string, Buffer>): void {
  const hits = found.flatMap(({ name, bytes }) =>
    [...secrets].filter(([, secret]) => bytes.includes(secret)).map(([what]) => `${what} in ${name}`),
  );
  expect(hits).toEqual([]);
}
