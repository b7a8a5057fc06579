// The resolver against the kernel: on random forests of links, with and without mounts, it ends where realpath(3) ends.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../../node/ports.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import type { Bytes } from "../event.ts";
import { Scene } from "./scene.ts";
import { toBytes } from "./text.ts";
import { type End, walk } from "./walk.ts";

const NAMES = ["a", "b", "c", "l", "m"] as const;
const name = fc.constantFrom(...NAMES);
const folderOf = fc.array(name, { maxLength: 3 }).map((names) => names.join("/"));

type Entry = readonly [path: string, what: "file" | "dir" | { readonly link: string }];
/** "ROOT" stands for the forest's own folder. */
const target = fc
  .tuple(
    fc.constantFrom("", "../", "./", "ROOT/", "../../"),
    fc.array(fc.constantFrom(...NAMES, "..", "."), { maxLength: 3 }),
  )
  .map(([start, names]) => start + names.join("/"));
const entry: fc.Arbitrary<Entry> = fc.tuple(
  fc.tuple(folderOf, name).map(([folder, last]) => join(folder, last)),
  fc.oneof(
    fc.constantFrom("file" as const, "dir" as const),
    target.filter((text) => text !== "").map((link) => ({ link })),
  ),
);
const asked = fc
  .tuple(
    fc.constantFrom("", "ROOT/"),
    fc.array(fc.constantFrom(...NAMES, ...NAMES, "..", "."), { minLength: 1, maxLength: 6 }),
    fc.constantFrom("", "", "/"),
  )
  .map(([start, names, end]) => start + names.join("/") + end);

function plant(root: string, entries: readonly Entry[]): void {
  for (const [path, what] of entries)
    try {
      const at = join(root, path);
      fs.mkdirSync(join(at, ".."), { recursive: true });
      if (what === "dir") fs.mkdirSync(at);
      else if (what === "file") fs.writeFileSync(at, "");
      else fs.symlinkSync(what.link.replace("ROOT", root), at);
    } catch {
      // The name is taken, or lies below a file.
    }
}

/** Where our resolver ends, in the words of realpath(3): which file, or which error. */
function ours(scene: Scene, folder: string, string: Bytes): string {
  const table = scene.table(0, 0);
  const from = table?.absolute(toBytes(folder));
  const root = table?.root && { mount: table.root, slot: table.root.top };
  if (from === undefined || root === undefined) throw new Error("no mount table");
  const nothing = (): void => undefined;
  const visitor = { link: nothing, left: nothing, name: nothing, unsure: nothing };
  const end = walk(scene.model, { from, root, string, follow: true }, visitor);
  return inWords(scene, end);
}

function inWords({ model }: Scene, end: End): string {
  switch (end.kind) {
    case "found": {
      if (end.mustBeFolder && end.thing.type !== "dir") return "ENOTDIR";
      const stat = model.stat(end.place.slot);
      return typeof stat === "object" ? `${stat.dev}:${stat.ino}` : `${String(stat)} ${model.path(end.place.slot)}`;
    }
    case "absent":
      return "ENOENT";
    case "no-folder":
      return "ENOTDIR";
    case "loop":
      return "ELOOP";
    default:
      return end.kind;
  }
}

function kernels(folder: string, string: string): string {
  try {
    const stat = fs.statSync(string.startsWith("/") ? string : `${folder}/${string}`, { bigint: true });
    return `${stat.dev}:${stat.ino}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  }
}

function agree(root: string, strings: readonly string[]): void {
  const mountinfo = fs.readFileSync("/proc/self/mountinfo", "latin1");
  for (const text of strings) {
    const string = text.replace("ROOT", root);
    // A resolver of its own for each: what one has learnt must not help the next.
    const scene = new Scene({ files: nodeFiles, mountinfo, mountNs: 0 }, undefined, false);
    expect(ours(scene, root, toBytes(string)), string).toBe(kernels(root, string));
  }
}

describe("walk() ends where the kernel does", () => {
  test("on random forests of links", () => {
    const folder = fs.realpathSync(temporaryFolder());
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 14 }),
        fc.array(asked, { minLength: 5, maxLength: 10 }),
        (entries, strings) => {
          const root = fs.mkdtempSync(join(folder, "forest-"));
          plant(root, entries);
          agree(root, strings);
          fs.rmSync(root, { recursive: true });
        },
      ),
      { numRuns: 200 },
    );
  });

  test("across bind mounts, a file mounted on a file, a mount on a mount, and a tmpfs", (context) => {
    if (process.getuid?.() !== 0) return context.skip("needs root to mount");
    const folder = fs.realpathSync(temporaryFolder());
    const at = (path: string): string => join(folder, path);
    for (const path of ["a/b", "b/c", "c", "m"]) fs.mkdirSync(at(path), { recursive: true });
    fs.writeFileSync(at("l"), "below");
    fs.writeFileSync(at("a/l"), "above");
    const mounts: readonly (readonly string[])[] = [
      ["--bind", at("a"), at("m")],
      ["--bind", at("b"), at("m/b")],
      ["--bind", at("a/l"), at("l")],
      ["--bind", at("b"), at("c")],
      ["-t", "tmpfs", "none", at("c")],
    ];
    const done: string[] = [];
    try {
      for (const mount of mounts) {
        try {
          execFileSync("mount", mount, { stdio: "ignore" });
        } catch {
          return context.skip("may not mount here");
        }
        done.unshift(mount.at(-1) ?? "");
      }
      fc.assert(
        fc.property(
          fc.array(entry, { maxLength: 10 }),
          fc.array(asked, { minLength: 5, maxLength: 10 }),
          (entries, strings) => {
            plant(folder, entries);
            agree(folder, strings);
          },
        ),
        { numRuns: 100 },
      );
    } finally {
      for (const point of done) execFileSync("umount", [point]);
    }
  });
});
