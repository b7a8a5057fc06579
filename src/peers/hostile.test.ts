// What a hostile peer can do: cost a bounded amount of time and memory, and nothing else. It speaks raw libp2p with a codec of its
// own (testing/hostile-peer.ts).
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import type { Digest } from "../core/digest.ts";
import type { RecordEntry } from "../store/store.ts";
import { type LabOptions, type LabPeer, LAB_NETWORK, labPeer, stopAll, until } from "../testing/mesh-lab.ts";
import { cbor, HostilePeer, raw, type RawFrame, type RawLine, uncbor } from "../testing/hostile-peer.ts";
import { digestOf, entryOf } from "../testing/store.contract.ts";
import { keyHash } from "./claim.ts";
import { encodeEntries } from "./entries.ts";

const SECRET = Buffer.alloc(32, 7);
const GET = 0x0a;
const VALUE = 0x0b;
const PUT = 0x12;
/** 65,536 less type, id and flags. */
const FULL_CHUNK = 65_530;

const peers: LabPeer[] = [];
const hostiles: HostilePeer[] = [];

async function victimWith(options: LabOptions = {}): Promise<LabPeer> {
  const peer = await labPeer(options);
  peers.push(peer);
  return peer;
}

async function hostileWith(secret: Uint8Array = SECRET): Promise<HostilePeer> {
  const hostile = await HostilePeer.start(secret, LAB_NETWORK);
  hostiles.push(hostile);
  return hostile;
}

afterEach(async () => {
  await Promise.all(hostiles.splice(0).map((hostile) => hostile.stop()));
  await stopAll(peers.splice(0));
});

const address = (victim: LabPeer): string => victim.listening ?? "";

/** The hostile peer in the victim's ring, and the name of an API read whose first owner it is. */
async function inTheRing(
  options?: LabOptions,
): Promise<{ victim: LabPeer; hostile: HostilePeer; line: RawLine; weak: Digest }> {
  const victim = await victimWith(options);
  const hostile = await hostileWith();
  const line = await hostile.join(address(victim));
  line.send(raw(0x06, 0, cbor({ peers: [], reachable: true })));
  await until(() => victim.mesh.ringSize === 2, 5000);
  let weak = digestOf("read 0");
  for (let n = 1; victim.mesh.ownersOf(keyHash("api", weak))[0] === "self"; n++) weak = digestOf(`read ${n}`);
  return { victim, hostile, line, weak };
}

function answering(line: RawLine, answer: (frame: RawFrame) => Buffer | undefined): void {
  line.onFrame = (frame) => {
    const bytes = frame.type === GET ? answer(frame) : undefined;
    if (bytes !== undefined) line.send(bytes);
  };
}

/** Found now, or on a busy machine by the next question. */
async function found(victim: LabPeer, weak: Digest): Promise<readonly RecordEntry[]> {
  for (let times = 0; times < 30; times++) {
    const entries = await victim.api.records.lookup(weak);
    if (entries.length > 0) return entries;
  }
  return [];
}

/** Also of what came too late for the first question. */
async function expectNothing(victim: LabPeer, line: RawLine, weak: Digest): Promise<void> {
  expect(await victim.api.records.lookup(weak)).toEqual([]);
  line.send(raw(0x04, 0));
  await line.frame(0x16);
  expect(await victim.api.records.lookup(weak)).toEqual([]);
}

const candidate = Buffer.from("a forged body");
const plainOf = (record: string): Buffer =>
  Buffer.concat([encodeEntries([{ ...entryOf("set", "s", 1), record: record as Digest }]), candidate]);
const goodPlain = plainOf(digestOf("a forged body"));

test("its codec is right: an honest value of the second implementation is taken", async () => {
  const { victim, hostile, line, weak } = await inTheRing();
  answering(line, ({ id, body }) =>
    raw(VALUE, id, hostile.body(hostile.value(Buffer.from(uncbor(body)["key"] as Uint8Array), goodPlain))),
  );
  expect(await found(victim, weak)).toHaveLength(1);
});

describe("before it proved membership", () => {
  test.each([
    ["half a frame", () => Buffer.from([0, 0])],
    ["nothing", () => Buffer.alloc(0)],
  ])("%s: it is closed after the time for a handshake", async (_name, bytes) => {
    const victim = await victimWith({ limits: { handshakeMs: 300 } });
    const line = await (await hostileWith()).connect(address(victim));
    line.send(bytes());
    await line.ended;
    expect(victim.mesh.refusals.get("no-answer")).toBe(1);
  });

  test("a drip of one byte a turn does not extend that time", async () => {
    const victim = await victimWith({ limits: { handshakeMs: 400 } });
    const hostile = await hostileWith();
    const line = await hostile.connect(address(victim));
    const hello = raw(0x01, 0, hostile.hello());
    const began = performance.now();
    let at = 0;
    const drip = setInterval(() => line.send(hello.subarray(at, ++at)), 50);
    await line.ended;
    clearInterval(drip);
    expect(performance.now() - began).toBeLessThan(3000);
    expect(victim.mesh.members).toEqual([]);
  });

  test.each([
    [
      "a question before AUTH",
      () => raw(GET, 1, cbor({ kind: "api", key: Buffer.alloc(32), scopes: [""], lease: true, ms: 1 })),
    ],
    ["an oversize frame", () => Buffer.from("ffffffff01", "hex")],
    ["a founding peer's push", () => Buffer.from('{"type":"cache_entry","key":"x"}')],
    ["noise", () => Buffer.concat([Buffer.from([0x7f]), randomBytes(4096)])],
  ])("%s: closed at once", async (_name, bytes) => {
    const victim = await victimWith();
    const line = await (await hostileWith()).connect(address(victim));
    line.send(bytes());
    await line.ended;
    expect(victim.mesh.refusals.get("protocol")).toBe(1);
  });

  test("a wrong secret is refused, and after three times nobody listens for ten minutes", async () => {
    const victim = await victimWith();
    const stranger = await hostileWith(Buffer.alloc(32, 8));
    for (let times = 0; times < 3; times++) {
      const line = await stranger.connect(address(victim));
      line.send(raw(0x01, 0, stranger.hello()));
      await line.ended;
    }
    expect(victim.mesh.refusals.get("wrong-secret")).toBe(3);
    const line = await stranger.connect(address(victim));
    line.send(raw(0x01, 0, stranger.hello()));
    await line.ended;
    expect(victim.mesh.refusals.get("denied")).toBe(1);
  });

  test("without the secret it gets no MAC to guess at, even if it names the right key", async () => {
    const victim = await victimWith();
    const [member, stranger] = [await hostileWith(), await hostileWith(Buffer.alloc(32, 8))];
    const line = await stranger.connect(address(victim));
    const seen: number[] = [];
    line.onFrame = ({ type }) => seen.push(type);
    line.send(raw(0x01, 0, stranger.hello({ kids: [member.key("kid", 8)] })));
    await line.frame(0x02);
    line.send(raw(0x03, 0, cbor({ mac: randomBytes(32) })));
    await line.ended;
    expect(seen).toEqual([0x02]);
    expect(victim.mesh.members).toEqual([]);
  });

  test("a MAC of the victim, reflected to it, opens nothing", async () => {
    const victim = await victimWith();
    const member = await hostileWith();
    // A member gets the victim's own proof, and a stranger sends it back on a line of its own.
    const own = await member.connect(address(victim));
    const hello = member.hello();
    own.send(raw(0x01, 0, hello));
    const ack = await own.frame(0x02);
    own.send(raw(0x03, 0, cbor({ mac: member.mac("dialer", own.remote, hello, ack.body) })));
    const proof = await own.frame(0x03);
    const stranger = await hostileWith(Buffer.alloc(32, 8));
    const line = await stranger.connect(address(victim));
    line.send(raw(0x01, 0, stranger.hello({ kids: [member.key("kid", 8)] })));
    await line.frame(0x02);
    line.send(raw(0x03, 0, proof.body));
    await line.ended;
    expect(victim.mesh.refusals.get("wrong-secret")).toBe(1);
    expect(victim.mesh.members).toHaveLength(1);
  });

  test("more than 64 that prove nothing do not keep a member out for longer than a handshake", async () => {
    const victim = await victimWith({ limits: { handshakeMs: 1500 } });
    const crowd = await Promise.all(Array.from({ length: 6 }, () => hostileWith(Buffer.alloc(32, 8))));
    const lines = await Promise.all(crowd.map((each) => each.connect(address(victim))));
    await Promise.all(lines.map((line) => line.ended));
    const member = await (await hostileWith()).join(address(victim));
    expect(member.isOver).toBe(false);
  });
});

describe("as an owner", () => {
  test.each([
    [
      "bytes that are not those of the CID",
      (h: HostilePeer, key: Buffer) => {
        const value = h.value(key, goodPlain);
        value.sealed[40] = (value.sealed[40] ?? 0) ^ 1;
        return h.body(value);
      },
    ],
    [
      "a claim that its writer did not sign",
      (h: HostilePeer, key: Buffer) => h.body(h.value(key, goodPlain), randomBytes(64)),
    ],
    [
      "another's claim under its own signature",
      (h: HostilePeer, key: Buffer) => {
        const writer = Buffer.concat([h.id.subarray(0, 6), randomBytes(32)]);
        return h.body(h.value(key, goodPlain, { writer }));
      },
    ],
    ["a true value of another key", (h: HostilePeer) => h.body(h.value(Buffer.alloc(32, 3), goodPlain))],
    [
      "a value in a scope that was not asked for",
      (h: HostilePeer, key: Buffer) => h.body(h.value(key, goodPlain, { scope: "protected" })),
    ],
    ["a value of another kind", (h: HostilePeer, key: Buffer) => h.body(h.value(key, goodPlain, { kind: "blob" }))],
  ])("%s: a miss, and it is never heard again", async (_name, body) => {
    const { victim, hostile, line, weak } = await inTheRing();
    answering(line, (frame) =>
      raw(VALUE, frame.id, body(hostile, Buffer.from(uncbor(frame.body)["key"] as Uint8Array))),
    );
    expect(await victim.api.records.lookup(weak)).toEqual([]);
    await line.ended;
    expect(victim.events.some(({ kind }) => kind === "peer-bad-bytes")).toBe(true);
    await expect(hostile.join(address(victim))).rejects.toThrow(/ended|reset|closed/i);
    // Alone again, the victim is its own owner.
    await victim.api.blobs.put(candidate);
    await victim.api.records.append(weak, { ...entryOf("set", "s", 1), record: digestOf("a forged body") });
    expect(await victim.api.records.lookup(weak)).toHaveLength(1);
  });

  test.each([
    ["from the future", { createdAt: Date.now() + 3_600_000 }],
    ["that is over", { expiresAt: Date.now() - 1 }],
  ])("a claim %s: a miss", async (_name, change) => {
    const { victim, hostile, line, weak } = await inTheRing();
    answering(line, ({ id, body }) =>
      raw(VALUE, id, hostile.body(hostile.value(Buffer.from(uncbor(body)["key"] as Uint8Array), goodPlain, change))),
    );
    await expectNothing(victim, line, weak);
  });

  test("a signed claim whose seal does not open: its writer is denied", async () => {
    const { victim, hostile, line, weak } = await inTheRing();
    answering(line, ({ id, body }) => {
      const key = Buffer.from(uncbor(body)["key"] as Uint8Array);
      return raw(VALUE, id, hostile.body(hostile.value(key, goodPlain, { digest: Buffer.alloc(32) })));
    });
    expect(await victim.api.records.lookup(weak)).toEqual([]);
    expect(victim.events.some(({ kind }) => kind === "peer-bad-value")).toBe(true);
    await line.ended;
  });

  test("an entry that names other bytes than it brings: a miss", async () => {
    const { victim, hostile, line, weak } = await inTheRing();
    answering(line, ({ id, body }) =>
      raw(
        VALUE,
        id,
        hostile.body(hostile.value(Buffer.from(uncbor(body)["key"] as Uint8Array), plainOf(digestOf("else")))),
      ),
    );
    await expectNothing(victim, line, weak);
  });

  test("records without a grant: none is believed", async () => {
    const { victim, hostile, line } = await inTheRing();
    answering(line, ({ id, body }) => {
      const { key, kind } = uncbor(body);
      const plain = encodeEntries([entryOf("set", "forged", 9)]);
      const value = hostile.value(Buffer.from(key as Uint8Array), plain, { kind, scope: "protected" });
      return raw(VALUE, id, hostile.body(value));
    });
    for (let n = 0; n < 8; n++) expect(await victim.store.records.lookup(digestOf(`action ${n}`))).toEqual([]);
  });

  test("silence: the budget, and after three times it is not asked for a while", async () => {
    const { victim, line } = await inTheRing();
    let asked = 0;
    answering(line, () => {
      asked++;
      return undefined;
    });
    for (let n = 0; n < 40; n++) await victim.api.records.lookup(digestOf(`silent ${n}`));
    expect(asked).toBeLessThan(15);
    expect(victim.mesh.members[0]?.breaker.rest(performance.now())?.why).toBe("time-out");
  });

  test("WAIT for ever: waited for once in ten minutes", async () => {
    const { victim, line, weak } = await inTheRing();
    answering(line, ({ id }) => raw(0x0d, id, cbor({ age: 0, left: 3_600_000 })));
    const waited = async (): Promise<number> => {
      const began = performance.now();
      await victim.api.records.lookup(weak);
      return performance.now() - began;
    };
    expect(await waited()).toBeLessThan(3000);
    const again = [await waited(), await waited(), await waited()];
    expect(Math.min(...again)).toBeLessThan(300);
    expect(victim.getter.counts.waits).toBe(1);
  });

  test.each([
    ["an answer that is no map", (id: number) => raw(0x0c, id, randomBytes(40))],
    ["an oversize frame", () => Buffer.from("000100010b00000001", "hex")],
    ["pieces of a value without a first one", (id: number) => raw(VALUE, id, Buffer.from([0, 1, 2]))],
    [
      "a value that is longer than it says",
      (id: number) => raw(VALUE, id, Buffer.concat([Buffer.from([3]), randomBytes(500)])),
    ],
  ])("%s: a miss, and closed", async (_name, bytes) => {
    const { victim, line, weak } = await inTheRing();
    answering(line, ({ id }) => bytes(id));
    expect(await victim.api.records.lookup(weak)).toEqual([]);
    await line.ended;
    expect(victim.mesh.members).toEqual([]);
  });

  test("an endless value is cut at the largest size taken, and its memory is given back", async () => {
    const { victim, line, weak } = await inTheRing({ limits: { maxContentBytes: 256 * 1024 } });
    const lookup = victim.api.records.lookup(weak);
    line.onFrame = ({ type, id }) => {
      if (type !== GET) return;
      for (let n = 0; n < 20; n++)
        line.send(raw(VALUE, id, Buffer.concat([Buffer.from([n === 0 ? 1 : 0]), Buffer.alloc(FULL_CHUNK)])));
    };
    expect(await lookup).toEqual([]);
    await line.ended;
    expect(victim.mesh.allowance.take(64 * 1024 * 1024)).toBe(true);
  });
});

describe("as a member that asks and puts", () => {
  test.each([0, 1, FULL_CHUNK - 1])("a value in pieces of %i bytes costs one piece: it is out", async (size) => {
    const { victim, line } = await inTheRing();
    line.send(raw(PUT, 1, Buffer.concat([Buffer.from([1]), Buffer.alloc(size)])));
    await line.ended;
    expect(victim.mesh.allowance.take(64 * 1024 * 1024)).toBe(true);
  });

  test("poisoned values are not kept, and their sender is out", async () => {
    const { victim, hostile, line, weak } = await inTheRing();
    const value = hostile.value(keyHash("api", weak), goodPlain);
    value.sealed[50] = (value.sealed[50] ?? 0) ^ 1;
    line.send(raw(PUT, 1, hostile.body(value)));
    await line.ended;
    expect(victim.mesh.owner.facts.values).toBe(0);
  });

  test("a record without a grant is refused at PUT", async () => {
    const { victim, hostile, line } = await inTheRing();
    const weak = digestOf("action");
    const plain = encodeEntries([entryOf("set", "forged", 9)]);
    const change = { kind: "record", scope: "protected" };
    line.send(raw(PUT, 1, hostile.body(hostile.value(keyHash("record", weak), plain, change))));
    expect(uncbor((await line.frame(0x13)).body)).toEqual({ fault: "grant" });
    expect(victim.mesh.owner.facts.values).toBe(0);
  });

  test("hoarded leases are bounded, and pass on when it goes", async () => {
    const { victim, line } = await inTheRing();
    for (let n = 0; n < 1500; n++) {
      const get = {
        kind: "api",
        key: keyHash("api", digestOf(`hoard ${n}`)),
        scopes: [""],
        lease: true,
        ms: 3_000_000,
      };
      line.send(raw(GET, 2 * n + 1, cbor(get)));
    }
    await until(() => victim.mesh.owner.facts.leases >= 1024);
    line.send(raw(0x04, 0));
    await line.frame(0x16);
    expect(victim.mesh.owner.facts.leases).toBe(1024);
    line.stream.abort(new Error("gone"));
    await until(() => victim.mesh.members.length === 0);
    expect(victim.mesh.owner.facts.leases).toBe(0);
  });

  test("a flood of questions is held up, and others are answered meanwhile", async () => {
    const { victim, line } = await inTheRing({ limits: { maxMessagesPerSecond: 100 } });
    const honest = await labPeer();
    peers.push(honest);
    honest.mesh.addAddress(address(victim), "operator");
    honest.mesh.dialer.tick();
    await until(() => honest.mesh.members.length >= 1 && victim.mesh.members.length === 2);
    const get = cbor({ kind: "blob", key: Buffer.alloc(32), scopes: [""], lease: false, ms: 1 });
    const flood = setInterval(() => {
      for (let n = 0; n < 500; n++) line.send(raw(GET, 2 * n + 1, get));
    }, 5);
    const digest = await honest.store.blobs.put(Buffer.from("meanwhile"));
    let found = await victim.store.blobs.get(digest);
    for (let times = 0; found === undefined && times < 20; times++) found = await victim.store.blobs.get(digest);
    clearInterval(flood);
    expect(Buffer.from(found ?? []).toString()).toBe("meanwhile");
    const member = victim.mesh.members.find(
      ({ session }) => session.duplex.remoteAddress !== "" && session.traffic.messagesIn > 90,
    );
    expect(member?.session.traffic.messagesIn ?? 0).toBeLessThan(20_000);
  });

  test("half a frame after AUTH holds 64 KB and nothing else", async () => {
    const { victim, line, weak } = await inTheRing();
    line.send(raw(PUT, 1, Buffer.alloc(60_000)).subarray(0, 50_000));
    // Its own questions go on, and so do those of the victim.
    expect(await victim.api.records.lookup(weak)).toEqual([]);
    expect(victim.mesh.members).toHaveLength(1);
  });

  test("answers that nobody asked for, and unknown optional frames, do nothing", async () => {
    const { victim, line } = await inTheRing();
    for (const type of [VALUE, 0x0c, 0x0d, 0x11, 0x13, 0x80, 0xff]) line.send(raw(type, 4242, cbor({})));
    line.send(raw(0x04, 0, Buffer.from("ping")));
    const pong = await line.frame(0x16);
    expect(pong.body.toString()).toBe("ping");
    expect(victim.mesh.members).toHaveLength(1);
  });

  test("addresses it tells of that are no peers' are never dialled", async () => {
    const { victim, line } = await inTheRing();
    const known = victim.mesh.dialer.size;
    const bad = [
      "/ip4/127.0.0.1/tcp/9000",
      "/ip4/169.254.169.254/tcp/8080",
      "/ip4/10.0.0.1/tcp/22",
      "/dns4/x.example/tcp/9000",
    ];
    line.send(raw(0x06, 0, cbor({ peers: bad.map((each) => [Buffer.alloc(38), each]), reachable: true })));
    line.send(raw(0x04, 0));
    await line.frame(0x16);
    expect(victim.mesh.dialer.size).toBe(known);
  });
});
