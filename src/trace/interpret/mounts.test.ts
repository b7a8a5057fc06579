import { describe, expect, test } from "vitest";
import { nodeFiles } from "../../node/ports.ts";
import type { Bytes, FileObject } from "../event.ts";
import { Model } from "./model.ts";
import { above, MountTable, parseMountinfo } from "./mounts.ts";

const LINES = [
  "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
  "30 21 8:1 /home/work /work rw - ext4 /dev/sda1 rw",
  "31 21 0:40 / /tmp rw - tmpfs tmpfs rw",
  "32 31 8:1 /var/a\\040b /tmp/with\\040space rw - ext4 /dev/sda1 rw",
].join("\n");
const DISK = 8 * 2 ** 20 + 1;
const object = (path: string, mountId?: number): FileObject => ({
  dev: DISK,
  ino: 1n,
  path: path as Bytes,
  mode: 0,
  ...(mountId !== undefined && { mountId }),
});

function table(text = LINES): { readonly mounts: MountTable; readonly model: Model } {
  const holder: { mounts?: MountTable } = {};
  const model = new Model(nodeFiles, (slot) => holder.mounts?.pathOf(slot) ?? null);
  const mounts = new MountTable(parseMountinfo(text), model, () => false);
  holder.mounts = mounts;
  return { mounts, model };
}

describe("parseMountinfo()", () => {
  test("reads device, root, point and type, with octal escapes", () => {
    expect(parseMountinfo(LINES)[3]).toEqual({
      id: 32,
      parent: 31,
      dev: DISK,
      root: "/var/a b",
      point: "/tmp/with space",
      type: "ext4",
    });
  });
  test.for(["", "nonsense", "x 1 8:1 / / rw - ext4 d rw", "1 1 8 / / rw", "1 1 8:1 / relative rw - ext4 d rw"])(
    "leaves out what does not hold together: %j",
    (text) => expect(parseMountinfo(text)).toEqual([]),
  );
});

describe("MountTable", () => {
  test("names a file by the path that shows it", () => {
    const { model } = table();
    const path = (inside: string): string | null => model.path(model.locate(DISK, inside as Bytes));
    expect(path("/etc/passwd")).toBe("/etc/passwd");
    // Shown at both: the first that is not covered.
    expect(path("/home/work/a")).toBe("/home/work/a");
    // What is below /tmp on the disk is covered by the tmpfs.
    expect(path("/tmp/x")).toBeNull();
  });
  test("knows where a process stands by the mount it went through", () => {
    const { mounts } = table();
    const place = mounts.place(object("/home/work", 30));
    expect(place?.mount?.line.id).toBe(30);
    // One up from the top of a mount is the folder it hangs in.
    const up = place && above(place);
    expect(up?.mount?.line.id).toBe(21);
    expect(up?.slot).toBe(mounts.absolute("/" as Bytes)?.slot);
  });
  test("follows absolute paths through mounts", () => {
    const { mounts } = table();
    expect(mounts.absolute("/tmp/with space" as Bytes)?.mount?.line.id).toBe(32);
    expect(mounts.absolute("/tmp" as Bytes)?.mount?.line.id).toBe(31);
    expect(mounts.absolute("/work/a" as Bytes)?.slot.system.dev).toBe(DISK);
  });
  test("without a root mount knows nothing", () => {
    expect(table("").mounts.absolute("/" as Bytes)).toBeUndefined();
  });
});
