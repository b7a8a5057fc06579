import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { beforeAll, expect, test } from "vitest";
import { systemRandom } from "../node/ports.ts";
import { changeContext, labContext, newVersion, setCredentials } from "../testing/secrets-lab.ts";
import { labStore } from "../testing/secrets-store.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { openFirstKey } from "./audit-key.ts";
import { parseLine } from "./audit-line.ts";
import { auditPath } from "./audit-log.ts";
import { type AuditProblem, verifyAudit } from "./audit-verify.ts";
import { readChain } from "./chain.ts";
import { checkpointKey, makeCheckpoint, readCheckpoint } from "./checkpoint.ts";
import { createStore } from "./create.ts";
import { addLeaf, EMPTY_RANGE, merkleRoot } from "./merkle.ts";
import { rotateMaster } from "./rotate-master.ts";
import { inSession, type OpenStore } from "./session.ts";

let folder: string;
let opened: OpenStore;
let firstKey: Buffer;
let whole: Buffer;
/** Checkpoint over the first 6 lines, and over all of them. */
let early: string;
let late: string;

beforeAll(async () => {
  // Not `labStore`: its folder would be gone with the first test.
  const parent = mkdtempSync(join(tmpdir(), "foregone-audit-"));
  folder = join(parent, "store");
  const context = labContext(folder);
  await createStore(context, { provider: "file" });
  opened = await setCredentials(context, newVersion("TOKEN", "first-value"));
  const key = checkpointKey(opened.master, opened.state.storeId);
  const append = (count: number): Promise<string> =>
    inSession(context, async (session) => {
      for (let i = 0; i < count; i++) session.append({ action: "get", names: [{ name: "TOKEN", version: i }] });
      return makeCheckpoint(key, session.log.state.tree);
    });
  early = await append(3);
  late = await append(6);
  firstKey = await openFirstKey(opened.master, opened.state.storeId, opened.state.audit, undefined);
  whole = readFileSync(auditPath(folder));
  return () => rmSync(parent, { recursive: true });
});

const verify = (log: Buffer, notes: readonly string[] = []): readonly AuditProblem[] =>
  verifyAudit({
    log,
    firstKey,
    chain: readChain(folder)?.state,
    checkpoints: (keys) => notes.map((note) => readCheckpoint(note, keys)).filter((c) => c !== undefined),
  }).problems;
const lines = (): string[] => whole.toString().trimEnd().split("\n");
const log = (edited: readonly string[]): Buffer => Buffer.from(edited.map((line) => `${line}\n`).join(""));

test("a log that nobody touched verifies, by chain and by checkpoints", () => {
  expect(lines().length).toBe(12);
  expect(verify(whole, [early, late])).toEqual([]);
});

test("audit verify finds and places an edited line, whatever is edited", () => {
  for (let at = 0; at < lines().length; at++) {
    const edited = lines();
    edited[at] = (edited[at] ?? "").replace(/"time":(\d+)/, (_, time: string) => `"time":${Number(time) - 1}`);
    expect(verify(log(edited))).toEqual([{ kind: "altered", at: at + 1, seq: at }]);
  }
  // Every bit of the last two lines, which no later line vouches for; a sample of the rest.
  const tail = whole.lastIndexOf("\n", whole.lastIndexOf("\n", whole.length - 2) - 1);
  for (let at = 0; at < whole.length - 1; at += at < tail ? 7 : 1)
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      expect(verify(flipped), `byte ${at}, bit ${bit}`).not.toEqual([]);
    }
});

test("audit verify finds and places deleted, repeated, inserted and reordered lines", () => {
  const without = lines().toSpliced(4, 2);
  expect(verify(log(without))).toEqual([{ kind: "missing", at: 5, from: 4, to: 5 }]);
  const repeated = lines().toSpliced(7, 0, lines()[3] ?? "");
  expect(verify(log(repeated))).toEqual([{ kind: "out-of-order", at: 8, seq: 3 }]);
  const forged = (lines()[5] ?? "").replace('"seq":5', '"seq":2');
  expect(verify(log(lines().toSpliced(6, 0, forged)))).toEqual([{ kind: "inserted", at: 7 }]);
  const far = (lines()[5] ?? "").replace('"seq":5', '"seq":9007199254740991');
  expect(verify(log(lines().toSpliced(6, 0, far)))).toEqual([{ kind: "inserted", at: 7 }]);
  const swapped = lines();
  [swapped[5], swapped[6]] = [swapped[6] ?? "", swapped[5] ?? ""];
  expect(verify(log(swapped))).toEqual([
    { kind: "missing", at: 6, from: 5, to: 5 },
    { kind: "out-of-order", at: 7, seq: 5 },
  ]);
  expect(verify(Buffer.concat([whole, Buffer.from('{"half')]))).toEqual([{ kind: "torn", at: 13 }]);
});

test("audit verify finds lines cut from the end: by the chain, and by a checkpoint when the chain was put back too", () => {
  const cut = log(lines().slice(0, 5));
  expect(verify(cut)).toEqual([{ kind: "cut", from: 5, to: 11, by: "chain" }]);
  const chain = undefined;
  const byCheckpoint = verifyAudit({
    log: cut,
    firstKey,
    chain,
    checkpoints: (keys) => [readCheckpoint(early, keys)].filter((c) => c !== undefined),
  });
  expect(byCheckpoint.problems).toEqual([{ kind: "cut", from: 5, to: 5, by: "checkpoint" }]);
});

test("a checkpoint of another history of the same store is found: the folder was put back and written on", async () => {
  const rewritten = await labStore();
  const state = await inSession(labContext(rewritten), async (session) => {
    for (let i = 0; i < 20; i++) session.append({ action: "get" });
    return session.open();
  });
  const key = await openFirstKey(state.master, state.state.storeId, state.state.audit, undefined);
  const own = readFileSync(auditPath(rewritten));
  const note = readCheckpoint(early, [checkpointKey(opened.master, opened.state.storeId).publicText]);
  const { problems } = verifyAudit({
    log: own,
    firstKey: key,
    chain: readChain(rewritten)?.state,
    checkpoints: () => (note === undefined ? [] : [note]),
  });
  expect(problems).toEqual([{ kind: "other-log", size: 6 }]);
});

test("the key of the next line, stolen, forges nothing before it", () => {
  const chain = readChain(folder)?.state;
  expect(chain?.seq).toBe(12);
  const stolen = verifyAudit({ log: whole, firstKey: chain?.key ?? Buffer.alloc(32), chain, checkpoints: () => [] });
  expect(stolen.problems.filter((p) => p.kind === "altered").length).toBe(12);
});

test("a checkpoint is a C2SP signed note and is read only under a key that signed it, unaltered", () => {
  expect(early).toMatch(
    /^foregone\.audit\/[0-9a-f]{32}\n6\n[A-Za-z0-9+/]{43}=\n\n\u2014 foregone\.audit\/[0-9a-f]{32} [A-Za-z0-9+/]{91}=\n$/,
  );
  const { publicText } = checkpointKey(opened.master, opened.state.storeId);
  expect(readCheckpoint(early, [publicText])?.size).toBe(6);
  expect(readCheckpoint(early, [])).toBeUndefined();
  expect(readCheckpoint(early.replace("\n6\n", "\n8\n"), [publicText])).toBeUndefined();
  const stranger = checkpointKey(Buffer.from(systemRandom.bytes(32)), opened.state.storeId);
  expect(readCheckpoint(early, [stranger.publicText])).toBeUndefined();
});

test("checkpoints made before and after rotate-master both verify: the log names both keys", async () => {
  const store = await labStore(newVersion("TOKEN", "first-value"));
  const context = labContext(store);
  const note = ({ master, state }: OpenStore): Promise<string> =>
    inSession(context, async (session) => makeCheckpoint(checkpointKey(master, state.storeId), session.log.state.tree));
  const before = await inSession(context, (session) => session.open());
  const first = await note(before);
  const after = await inSession(context, async (session) =>
    rotateMaster(session, await session.open(), changeContext(session.now()), "file"),
  );
  const second = await note(after);
  const verdict = verifyAudit({
    log: readFileSync(auditPath(store)),
    firstKey: await openFirstKey(after.master, after.state.storeId, after.state.audit, undefined),
    chain: readChain(store)?.state,
    checkpoints: (keys) => {
      const read = [first, second].map((text) => readCheckpoint(text, keys)).filter((c) => c !== undefined);
      expect(read.length).toBe(2);
      return read;
    },
  });
  expect(verdict.problems).toEqual([]);
});

test("with an audit recipient the master key cannot verify, and so not forge: only the auditor's identity can", async () => {
  const identity = await generateX25519Identity();
  const auditRecipient = await identityToRecipient(identity);
  const store = `${temporaryFolder()}/store`;
  await createStore(labContext(store), { provider: "file", auditRecipient });
  const { state, master } = await setCredentials(labContext(store), newVersion("TOKEN", "some-value"));
  await expect(openFirstKey(master, state.storeId, state.audit, undefined)).rejects.toThrow("only the auditor's key");
  const other = await generateX25519Identity();
  await expect(openFirstKey(master, state.storeId, state.audit, { identities: [other] })).rejects.toThrow(
    "does not open",
  );
  const key = await openFirstKey(master, state.storeId, state.audit, { identities: [identity] });
  const verdict = verifyAudit({
    log: readFileSync(auditPath(store)),
    firstKey: key,
    chain: readChain(store)?.state,
    checkpoints: () => [],
  });
  expect([verdict.lines, verdict.problems]).toEqual([3, []]);
});

test("a log whose last line was cut at any byte goes on after it, with the torn bytes kept aside", async () => {
  const store = await labStore(newVersion("TOKEN", "some-value"));
  const chain = readFileSync(`${store}/.chain`);
  const before = readFileSync(auditPath(store));
  await inSession(labContext(store), async (session) => session.append({ action: "get" }));
  const added = readFileSync(auditPath(store)).subarray(before.length);
  for (let length = 0; length <= added.length; length += 37) {
    // As a writer that died before it had written the chain's slot.
    writeFileSync(`${store}/.chain`, chain);
    writeFileSync(auditPath(store), Buffer.concat([before, added.subarray(0, length)]));
    const seq = await inSession(labContext(store), async (session) => session.log.state.seq);
    const torn = readFileSync(auditPath(store)).subarray(before.length).toString();
    const [line] = torn.split("\n");
    expect(line === "" ? undefined : parseLine(Buffer.from(line ?? ""))?.action).toBe(
      length === 0 ? undefined : "torn",
    );
    expect(seq).toBe(length === 0 ? 3 : 4);
  }
});

test("the tree's root is RFC 6962's for 0 to 8 leaves", () => {
  // Known answers of the Certificate Transparency reference implementation (google/certificate-transparency, merkle_tree_test).
  const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  const roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];
  let range = EMPTY_RANGE;
  expect(merkleRoot(range).toString("hex")).toBe(roots[0]);
  leaves.forEach((leaf, i) => {
    range = addLeaf(range, Buffer.from(leaf, "hex"));
    expect(merkleRoot(range).toString("hex"), `${i + 1} leaves`).toBe(roots[i + 1]);
  });
});
