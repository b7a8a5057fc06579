import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSocketAddress } from "./socket-address.ts";

const of = (...bytes: readonly (number | string)[]): Uint8Array =>
  Buffer.concat(bytes.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from([part]))));
const zeros = (n: number): number[] => Array.from({ length: n }, () => 0);

describe("parseSocketAddress()", () => {
  test.for([
    ["a path", of(1, 0, "/run/x\0rest"), { family: "unix", path: "/run/x" }],
    ["an abstract name, NUL bytes and all", of(1, 0, "\0a\0b"), { family: "unix", path: "@a\0b" }],
    ["an unnamed socket", of(1, 0), { family: "unix", path: "" }],
    ["IPv4", of(2, 0, 1, 187, 192, 0, 2, 1), { family: "inet", address: "192.0.2.1", port: 443, loopback: false }],
    ["loopback", of(2, 0, 0, 80, 127, 9, 9, 9), { family: "inet", address: "127.9.9.9", port: 80, loopback: true }],
    ["this host", of(2, 0, 0, 80, 0, 0, 0, 0), { family: "inet", address: "0.0.0.0", port: 80, loopback: true }],
    [
      "IPv6",
      of(10, 0, 0, 80, ...zeros(4), 0x20, 0x01, 0x0d, 0xb8, ...zeros(11), 1),
      { family: "inet", address: "2001:db8::1", port: 80, loopback: false },
    ],
    [
      "IPv6 loopback",
      of(10, 0, 0, 80, ...zeros(4), ...zeros(15), 1),
      { family: "inet", address: "::1", port: 80, loopback: true },
    ],
    [
      "IPv4 in IPv6",
      of(10, 0, 0, 80, ...zeros(4), ...zeros(10), 255, 255, 127, 0, 0, 1),
      { family: "inet", address: "127.0.0.1", port: 80, loopback: true },
    ],
    ["netlink", of(16, 0), { family: "harmless" }],
    ["a family that nobody knows", of(40, 0), { family: "other", number: 40 }],
    ["too few bytes", of(2, 0, 0, 80, 1), undefined],
  ] as const)("%s", ([, bytes, expected]) => expect(parseSocketAddress(bytes)).toEqual(expected));

  test("never throws on bytes of a process", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 128 }), (bytes) => {
        parseSocketAddress(bytes);
      }),
    );
  });
});
