import * as fc from "fast-check";
import { expect, test } from "vitest";
import { dnsAnswers, ipv6Text } from "./dns.ts";

/** A response: question, then records of [owner, type, data]; names as labels or a pointer. */
function answer(question: string, records: readonly (readonly [owner: Buffer, type: number, data: Buffer])[]): Buffer {
  const head = Buffer.from([0x12, 0x34, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0]);
  const parts = [head, labels(question), Buffer.from([0, 1, 0, 1])];
  for (const [owner, type, data] of records)
    parts.push(owner, Buffer.from([0, type, 0, 1, 0, 0, 0, 60, 0, data.length]), data);
  return Buffer.concat(parts);
}
const labels = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])),
    Buffer.alloc(1),
  ]);
const QUESTION = Buffer.from([0xc0, 12]);

test("addresses of the name that was asked for, through its aliases", () => {
  const alias = labels("Edge.example.net");
  const packet = answer("Registry.example.org", [
    [QUESTION, 5, alias],
    [alias, 1, Buffer.from([192, 0, 2, 7])],
    [alias, 28, Buffer.from("20010db8000000000000000000000001", "hex")],
    [labels("other.example"), 1, Buffer.from([192, 0, 2, 8])],
  ]);
  expect(dnsAnswers(packet)).toEqual([
    ["192.0.2.7", "registry.example.org"],
    ["2001:db8::1", "registry.example.org"],
  ]);
});

test("a question is no answer", () => {
  const packet = answer("a.example", []);
  packet[2] = 0;
  expect(dnsAnswers(packet)).toEqual([]);
});

test("a name that points at itself ends", () => {
  expect(dnsAnswers(answer("a.example", [[Buffer.from([0xc0, 27]), 1, Buffer.alloc(4)]]))).toEqual([]);
});

test("every cut of an answer, and random bytes, give answers or none", () => {
  const packet = answer("a.example", [[QUESTION, 1, Buffer.from([192, 0, 2, 1])]]);
  for (let cut = 0; cut < packet.length; cut++) expect(dnsAnswers(packet.subarray(0, cut))).toEqual([]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => Array.isArray(dnsAnswers(noise))));
});

test("IPv6 addresses are written as RFC 5952 says", () => {
  const text = (hex: string): string => ipv6Text(Buffer.from(hex, "hex"));
  expect(text("00000000000000000000000000000000")).toBe("::");
  expect(text("00000000000000000000000000000001")).toBe("::1");
  expect(text("20010db8000000010001000100010001")).toBe("2001:db8:0:1:1:1:1:1");
  expect(text("20010db8000000000001000000000001")).toBe("2001:db8::1:0:0:1");
  expect(text("fe800000000000000000000000000000")).toBe("fe80::");
});
