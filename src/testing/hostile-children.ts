// Many hostile members in one other process, for benches: `node hostile-children ADDRESS COUNT ATTACK` joins, prints `joined`, attacks
// until its stdin ends, and joins again whenever it is thrown out.
import { setTimeout as pause } from "node:timers/promises";
import { cbor, HostilePeer, raw, type RawLine } from "./hostile-peer.ts";
import { LAB_NETWORK } from "./mesh-lab.ts";

const [address = "", count = "1", attack = ""] = process.argv.slice(2);
const FULL_CHUNK = 65_530;
const GET = cbor({ kind: "blob", key: Buffer.alloc(32), scopes: [""], lease: false, ms: 1 });
const LEASE = (n: number): Buffer => {
  const key = Buffer.alloc(32);
  key.writeUInt32BE(n);
  return cbor({ kind: "api", key, scopes: [""], lease: true, ms: 60_000 });
};

type Attack = (line: RawLine, turn: number) => void;
const piece = (flags: number, size: number): Buffer => Buffer.concat([Buffer.from([flags]), Buffer.alloc(size)]);

/** One turn of one peer, each 10 ms. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  flood: (line) => {
    for (let id = 1; id < 200; id += 2) line.send(raw(0x0a, id, GET));
  },
  /** Values that begin and never end, as many at a time as it may. */
  oversize: (line, turn) => line.send(raw(0x12, 1 + 2 * (turn % 31), piece(turn < 31 ? 1 : 0, FULL_CHUNK))),
  /** Half a frame, then a byte a turn. */
  slow: (line, turn) =>
    line.send(turn === 0 ? raw(0x12, 1, Buffer.alloc(60_000)).subarray(0, 30_000) : Buffer.alloc(1)),
  /** Asks for much and reads nothing. */
  deaf: (line) => {
    line.stream.pause();
    for (let id = 1; id < 40; id += 2) line.send(raw(0x04, id, Buffer.alloc(64)));
  },
  leases: (line, turn) => {
    for (let n = 0; n < 20; n++) line.send(raw(0x0a, 2 * n + 1, LEASE(turn * 20 + n)));
  },
};
const act = ATTACKS[attack];
if (act === undefined) throw new Error(`no attack "${attack}": ${Object.keys(ATTACKS).join(", ")}`);

process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
const joined = await Promise.all(
  Array.from({ length: Number(count) }, async () => {
    const peer = await HostilePeer.start(Buffer.alloc(32, 7), LAB_NETWORK);
    return { peer, line: await peer.join(address, { addrs: [] }) };
  }),
);
process.stdout.write("joined\n");
await Promise.all(
  joined.map(async ({ peer, line: first }) => {
    let line = first;
    for (let turn = 0; ; turn++) {
      if (line.isOver) {
        turn = 0;
        line = await peer.join(address, { addrs: [] }).catch(() => line);
      }
      if (!line.isOver) act(line, turn);
      await pause(10);
    }
  }),
);
