import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gitProcess } from "../node/git-process.ts";
import { nodeHasher } from "../node/ports.ts";
import { nodeDeflate } from "../node/store-files.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { GitRefLayer } from "./git-refs.ts";

const env = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_TERMINAL_PROMPT: "0",
  GIT_CONFIG_NOSYSTEM: "1",
};
const weak = digestOf("action");

function repositories(): { readonly checkout: string; readonly server: string; readonly layer: () => GitRefLayer } {
  const folder = temporaryFolder();
  const [checkout, server, scratch] = ["checkout", "server.git", "scratch"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const git = (...args: string[]): void => {
    expect(spawnSync("git", args, { env }).status, args.join(" ")).toBe(0);
  };
  git("init", "--quiet", "--bare", server);
  git("init", "--quiet", checkout);
  git("-C", checkout, "remote", "add", "origin", server);
  mkdirSync(scratch);
  const own = {
    ...env,
    GIT_OBJECT_DIRECTORY: scratch,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(checkout, ".git/objects"),
  };
  const parts = { remote: "origin", timeoutMs: 20_000, hasher: nodeHasher, deflate: nodeDeflate };
  return { checkout, server, layer: () => new GitRefLayer({ ...parts, git: gitProcess(checkout, own, []) }) };
}

storeContract("git refs", async () => repositories().layer());

describe("git refs", () => {
  test("another job finds the record and its values, and the checkout is as it was", async () => {
    const { checkout, layer } = repositories();
    const writer = layer();
    const output = await writer.blobs.put(Buffer.from("output"));
    const record = await writer.blobs.put(Buffer.from("record"));
    await writer.records.append(weak, { ...entryOf("set", "s", 1), record });
    const reader = layer();
    expect(await reader.records.lookup(weak)).toMatchObject([{ record, via: "git-ref" }]);
    expect(Buffer.from((await reader.blobs.get(record)) ?? []).toString()).toBe("record");
    expect(await reader.blobs.findMissing([output])).toEqual([]);
    const listed = spawnSync("git", ["-C", checkout, "for-each-ref"], { env }).stdout.toString();
    expect(listed).toBe("");
    expect(spawnSync("git", ["-C", checkout, "count-objects"], { env }).stdout.toString()).toMatch(/^0 objects/);
  });

  test("names of others below our folder are no entries", async () => {
    const { checkout, layer } = repositories();
    await layer().records.append(weak, entryOf("set", "s", 1));
    const git = (...args: string[]) => spawnSync("git", ["-C", checkout, ...args], { env, input: "x" });
    const oid = git("hash-object", "-w", "--stdin").stdout.toString().trim();
    const folder = `refs/foregone/r1/${weak.slice(7)}`;
    expect(git("push", "--quiet", "origin", `${oid}:${folder}/v1`, `${oid}:${folder}${"0".repeat(3)}/x`).status).toBe(
      0,
    );
    expect(await layer().records.lookup(weak)).toHaveLength(1);
  });

  test("a server that says nothing costs its deadline and is a named failure", async () => {
    const { checkout } = repositories();
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await new Promise((done) => silent.once("listening", done));
    const { port } = silent.address() as AddressInfo;
    const parts = { remote: `git://127.0.0.1:${port}/x`, timeoutMs: 300, hasher: nodeHasher, deflate: nodeDeflate };
    const { records } = new GitRefLayer({ ...parts, git: gitProcess(checkout, env, []) });
    await expect(records.lookup(weak)).rejects.toMatchObject({ code: "timeout" });
    silent.close();
  });
});
