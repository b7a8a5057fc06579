// Frozen bytes, read by the program and by a second reader that knows only the specification.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Digest } from "../src/core/digest.ts";
import { encodeObservations } from "../src/core/observation-codec.ts";
import { decodeOutputLog, OutputLog, type OutputStream } from "../src/core/output-log.ts";
import { decodeRecord, encodeRecord } from "../src/core/record-codec.ts";
import type { ActionRecord } from "../src/core/record.ts";
import { nodeHasher } from "../src/node/ports.ts";
import { nodeDeflate } from "../src/node/store-files.ts";
import { openFolder, pathOf } from "../src/store/folder.ts";
import { recordLog } from "../src/store/record-log.ts";
import { readWitness } from "../src/store/witness.ts";
import { diskEffects } from "../src/testing/disk-folder.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

const FOLDER = "test/vectors/record";

interface Vector {
  readonly expect: string;
  readonly hex: readonly string[];
  readonly record?: unknown;
  readonly chunks?: readonly (readonly [OutputStream, string])[];
  readonly key?: string;
  readonly weak?: Digest;
  readonly entries?: readonly unknown[];
  readonly torn?: number;
  readonly forged?: number;
  readonly rows?: readonly (Record<string, string> | null)[];
}

const names = fs.readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const load = (name: string): Vector => JSON.parse(fs.readFileSync(join(FOLDER, name), "utf8")) as Vector;
const bytesOf = ({ hex }: Vector): Buffer => Buffer.from(hex.join(""), "hex");
const only = (start: string): string[] => names.filter((name) => name.startsWith(start));

describe("a frozen record", () => {
  test.each(only("record-"))("%s is read as it says", (name) => {
    const vector = load(name);
    const decoded = decodeRecord(bytesOf(vector), nodeDeflate);
    expect(decoded.kind).toBe(vector.expect);
    expect(decoded.kind === "record" ? decoded.record : undefined).toEqual(vector.record);
  });

  test.each(["record-whole.json", "record-empty.json"])("%s is what is written, deflate aside", (name) => {
    const vector = load(name);
    const record = vector.record as ActionRecord;
    const { columns, digests } = encodeObservations(record.trace.observations);
    const parts = (
      bytes: Uint8Array,
    ): { sizes: number[]; header: Uint8Array | undefined; columns: unknown; rest: Buffer } => {
      const whole = Buffer.from(bytes);
      const sizes: number[] = [];
      let at = 4;
      for (let i = 0; i < 4; i++) {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
          const byte = whole[at++] ?? 0;
          value += (byte & 0x7f) << shift;
          if (byte < 0x80) break;
        }
        sizes.push(value);
      }
      const [headerBytes = 0, headerPacked = 0, columnsBytes = 0, columnsPacked = 0] = sizes;
      const header = nodeDeflate.inflate(whole.subarray(at, at + headerPacked), headerBytes);
      at += headerPacked;
      const inflated = nodeDeflate.inflate(whole.subarray(at, at + columnsPacked), columnsBytes);
      return {
        sizes: [headerBytes, columnsBytes],
        header,
        columns: inflated,
        rest: whole.subarray(at + columnsPacked),
      };
    };
    const frozen = parts(bytesOf(vector));
    expect(frozen.columns).toEqual(columns);
    expect(frozen.rest).toEqual(digests);
    const written = parts(encodeRecord(record, nodeDeflate) ?? Buffer.alloc(0));
    expect(written).toEqual(frozen);
  });
});

test.each(only("output-log"))("a frozen output log, %s, is read as it says, and written so", (name) => {
  const vector = load(name);
  const chunks = decodeOutputLog(bytesOf(vector));
  expect(chunks?.map(({ stream, bytes }) => [stream, Buffer.from(bytes).toString()])).toEqual(vector.chunks);
  const log = new OutputLog();
  for (const [stream, text] of vector.chunks ?? []) log.add(stream, Buffer.from(text));
  expect(vector.expect === "corrupt" || Buffer.from(log.done()).equals(bytesOf(vector))).toBe(true);
});

test.each(only("log-"))("a frozen log, %s, is read as it says", (name) => {
  const { key = "", weak, entries, torn, forged, ...vector } = load(name);
  const log = recordLog(nodeHasher, Buffer.from(key, "hex"), weak as Digest);
  expect(log.decode(bytesOf({ ...vector }))).toMatchObject({ entries, torn, forged });
});

test("a frozen witness is read as it says", () => {
  const vector = load("witness.json");
  const root = temporaryFolder();
  fs.writeFileSync(join(openFolder(diskEffects, root).path, "key"), Buffer.from(vector.key ?? "", "hex"));
  const folder = openFolder(diskEffects, root);
  const path = pathOf(folder, "witness", vector.record as Digest);
  fs.mkdirSync(join(path, ".."), { recursive: true });
  fs.writeFileSync(path, bytesOf(vector));
  const witness = readWitness(folder, vector.record as Digest);
  const held = vector.rows?.map((row, i) => {
    const big = (name: string): bigint => BigInt(row?.[name] ?? 0);
    const now = { dev: big("dev"), ino: big("ino"), mtimeNs: big("mtimeNs"), ctimeNs: big("ctimeNs") };
    return witness?.holds(i, { ...now, sizeBytes: Number(row?.["sizeBytes"] ?? 0) });
  });
  expect(held).toEqual(vector.rows?.map((row) => row !== null));
});

test("a second reader, of the specification alone, agrees on every vector", (context) => {
  const python = spawnSync("python3", [`${FOLDER}/decode.py`, ...names.map((name) => join(FOLDER, name))], {
    encoding: "utf8",
  });
  if (python.error !== undefined) return context.skip("python3 is not installed");
  expect(python.stderr).toBe("");
  const answers = python.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(answers.map(({ file }) => file)).toEqual(names);
  for (const { file, ...answer } of answers) expect(load(String(file)), String(file)).toMatchObject(answer);
});
