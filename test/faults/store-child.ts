// A process that works on a store until it is killed: `node store-child.mjs MODE ROOT N`. Bundled by store.test.ts.
//   work   one of everything; dies by SIGKILL before its Nth change of the disk (0: never), and prints how many there are
//   append 50 entries in each of two path sets of its own, to one Action that others append to at the same time
import { nodeHasher, systemClock, systemRandom } from "../../src/node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../../src/node/store-files.ts";
import { openFolder, type StoreEffects } from "../../src/store/folder.ts";
import { diskStore } from "../../src/store/disk.ts";
import { disowningMark } from "../../src/store/entries.ts";
import { gc } from "../../src/store/gc.ts";
import type { RecordEntry } from "../../src/store/store.ts";
import { writeWitness } from "../../src/store/witness.ts";
import { faultyFiles } from "../../src/testing/faulty.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { EpochMs } from "../../src/ports.ts";

const [mode = "", root = "", n = "0"] = process.argv.slice(2);
const CHANGES = new Set([
  "mkdir",
  "create",
  "openAppend",
  "write",
  "fsync",
  "close",
  "rename",
  "link",
  "unlink",
  "touch",
]);
let changes = 0;
const files = faultyFiles(nodeStoreFiles, 0, "", (_, name) => {
  if (CHANGES.has(name) && ++changes === Number(n)) process.kill(process.pid, "SIGKILL");
});
const effects: StoreEffects = { files, hasher: nodeHasher, clock: systemClock, random: systemRandom };
const digestOf = (text: string): Digest => `sha256:${nodeHasher.sha256(text)}` as Digest;
const entry = (pathSet: string, strong: string, record: Digest, at: number): RecordEntry => ({
  pathSet: digestOf(pathSet),
  strong: digestOf(strong),
  record,
  recordedAt: at as EpochMs,
});

if (mode === "work") {
  const folder = openFolder(effects, root);
  const store = diskStore(folder);
  const { blobs, records } = store;
  // Of no known format: whatever it needs, nobody knows, and nothing dangles.
  const record = await blobs.put(Buffer.from("FGR\x63 of a newer version", "latin1"));
  await blobs.put(Buffer.from("already there"));
  await writeWitness(folder, record, [], systemClock.now());
  const weak = digestOf("busy action");
  // One line more than the bound: compaction follows.
  await records.append(weak, entry("set", "new", record, systemClock.now()));
  await records.append(digestOf("wrong action"), disowningMark(systemClock.now()));
  await gc(folder, nodeDeflate, { maxBytes: 1e12, maxAgeMs: 30 * 86_400_000 }, false);
  process.stdout.write(`${changes}\n`);
} else if (mode === "append") {
  const { blobs, records } = diskStore(openFolder({ ...effects, files: nodeStoreFiles }, root));
  const record = await blobs.put(Buffer.from("FGR\x63 of a newer version", "latin1"));
  for (let i = 0; i < 100; i++)
    await records.append(digestOf("contended"), entry(`set ${n} ${i % 2}`, `${n} ${i}`, record, 1 + i));
}
