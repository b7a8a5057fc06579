import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../node/ports.ts";
import { Sandbox } from "../testing/sandbox.ts";
import { keepsCtime } from "./file-system.ts";

describe("keepsCtime()", () => {
  test.for([
    ["ext4", 0xef53],
    ["Btrfs, as a signed number", 0x9123_683e | 0],
  ] as const)("trusts %s", ([, type]) => expect(keepsCtime(type)).toBe(true));
  test.for([
    ["NFS", 0x6969],
    ["SMB", 0x517b],
    ["SMB2", 0xfe53_4d42],
    ["CIFS", 0xff53_4d42],
    ["FUSE", 0x6573_5546],
    ["9p", 0x0102_1997],
    ["Ceph", 0x00c3_6400],
    ["Lustre", 0x0bd0_0bd0],
    ["AFS", 0x5346_414f],
    ["FAT, whose ctime is not kept", 0x4d44],
    ["one that nobody knows", 0x1234],
  ] as const)("does not trust %s", ([, type]) => expect(keepsCtime(type)).toBe(false));
});

test("a record's witness has rows for files on a local file system only", async () => {
  for (const [type, rows] of [
    [0xef53, 2],
    [0x6969, 0],
  ] as const) {
    using box = new Sandbox();
    box.files = { ...nodeFiles, fileSystem: () => type };
    box.write("a", "1");
    box.commit();
    const { stats } = await box.run({
      looks: [
        ["file", "a"],
        ["directory", "."],
      ],
    });
    expect(stats.filter((stat) => stat !== undefined).length).toBe(rows);
  }
});

test("nodeFiles.fileSystem() tells a tmpfs", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "foregone-statfs-"));
  try {
    if (process.getuid?.() !== 0) return context.skip("needs root to mount");
    try {
      execFileSync("mount", ["-t", "tmpfs", "none", folder], { stdio: "ignore" });
    } catch {
      return context.skip("may not mount here");
    }
    writeFileSync(join(folder, "a"), "");
    expect(nodeFiles.fileSystem(join(folder, "a"))).toBe(0x0102_1994);
    execFileSync("umount", [folder]);
    expect(nodeFiles.fileSystem(join(folder, "a"))).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
