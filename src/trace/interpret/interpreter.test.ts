import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../node/ports.ts";
import { FLAGS, SyntheticRun } from "../../testing/synthetic-run.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import type { Bytes } from "../event.ts";
import type { Change } from "./interpreted.ts";

type Entry = string | { readonly link: string };

/** A folder older than the run: "dir/" is a folder, a link is one, anything else a file with this text. */
function world(entries: Readonly<Record<string, Entry>>): string {
  const folder = fs.realpathSync(temporaryFolder());
  const old = new Date(systemClock.now() - 3_600_000);
  for (const [path, entry] of Object.entries(entries)) {
    const whole = join(folder, path);
    fs.mkdirSync(path.endsWith("/") ? whole : join(whole, ".."), { recursive: true });
    if (typeof entry !== "string") fs.symlinkSync(entry.link, whole);
    else if (!path.endsWith("/")) {
      fs.writeFileSync(whole, entry);
      fs.utimesSync(whole, old, old);
    }
  }
  return folder;
}

const touched = (change: Change | undefined): string =>
  change === undefined
    ? "none"
    : [
        change.before,
        ...(["readBefore", "written", "removed", "placed", "mode", "linked"] as const).filter((k) => change[k]),
      ].join(" ");

describe.each([
  ["a back end that sees outcomes", false],
  ["a back end that is blind to them", true],
])("%s", (_, blind) => {
  const start = (entries: Readonly<Record<string, Entry>>, more = {}): SyntheticRun =>
    new SyntheticRun(world(entries), { blind, ...more });
  const changeOf = (run: SyntheticRun, path: string): string =>
    touched(run.finish().changes.get(join(run.folder, path)));

  describe("asks the world before the run", () => {
    test("for content, type and size, type, target, entries", () => {
      const run = start({ a: "1", b: "2", c: "3", l: { link: "a" }, "d/e": "4" });
      run.read("a");
      run.stat("b");
      run.access("c");
      run.readlink("l");
      run.list("d");
      expect(run.looks()).toEqual(["file a", "stat b", "probe c", "symlink l", "directory d"]);
    });
    test("once for each path, by its strongest question, in first-asked order", () => {
      const run = start({ a: "1", b: "2" });
      run.access("a");
      run.stat("b");
      run.read("a");
      run.stat("a");
      run.read("b");
      expect(run.looks()).toEqual(["file a", "file b"]);
    });
    test("for the first name that is missing, and no further", () => {
      const run = start({ "d/": "" });
      run.stat("d/no/deeper/still");
      run.read("no");
      expect(run.looks()).toEqual(["absent d/no", "absent no"]);
    });
    test("for the file where a folder was wanted", () => {
      const run = start({ f: "1" });
      run.stat("f/below");
      run.stat("f/");
      expect(run.looks()).toEqual(["probe f"]);
    });
    test("for each link on the way, also one in the middle, and what it leads to", () => {
      const run = start({ "real/f": "1", one: { link: "two" }, two: { link: "real" }, "x/out": { link: "../one/f" } });
      run.read("x/out");
      expect(run.looks()).toEqual(["symlink x/out", "probe x", "symlink one", "symlink two", "file real/f"]);
    });
    test("for a link itself where it is not followed", () => {
      const run = start({ f: "1", l: { link: "f" } });
      run.lstat("l");
      expect(run.looks()).toEqual(["symlink l"]);
    });
    test("for a dangling link and what it does not lead to", () => {
      const run = start({ l: { link: "gone/x" } });
      run.stat("l");
      expect(run.looks()).toEqual(["symlink l", "absent gone"]);
    });
    test("for links in a circle, without end", () => {
      const run = start({ a: { link: "b" }, b: { link: "a" } });
      run.stat("a");
      expect(run.looks()).toEqual(["symlink a", "symlink b"]);
    });
    test("for the folder that `..` leaves, after links", () => {
      const run = start({ "d/e/": "", f: "1", l: { link: "d/e" }, "d/f": "2" });
      run.read("l/../f");
      run.read("d/../f");
      expect(run.looks()).toEqual(["symlink l", "probe d/e", "file d/f", "probe d", "file f"]);
    });
    test("of who asked first", () => {
      const run = start({ a: "1" });
      run.exec(["node", "node_modules/vitest/vitest.mjs", "run"], "/nowhere/node");
      run.read("a");
      expect(run.finish().looks.at(-1)).toMatchObject({ kind: "file", by: "node (vitest)" });
    });
  });

  describe("asks nothing about what the run made", () => {
    test("but that it was not there", () => {
      const run = start({});
      run.write("out");
      run.read("out");
      run.stat("out");
      expect(run.looks()).toEqual(["absent out", "probe ."]);
      expect(changeOf(run, "out")).toBe("absent written");
    });
    test("nor about what lies in a folder that it made", () => {
      const run = start({});
      run.mkdir("d");
      run.stat("d/no");
      run.write("d/f");
      run.list("d");
      run.read("d/f");
      expect(run.looks()).toEqual(["absent d", "probe ."]);
    });
    test("even if it looked for it before", () => {
      const run = start({});
      run.stat("out");
      run.write("out");
      run.read("out");
      expect(run.looks()).toEqual(["absent out", "probe ."]);
    });
    test("not even that it was not there, where names differ in each run", () => {
      const folder = world({});
      const run = new SyntheticRun(folder, { blind, tempRoots: [join(folder, "tmp")] });
      run.stat("tmp");
      run.mkdir("tmp");
      run.write("tmp/x8dk2");
      run.stat("other");
      expect(run.looks()).toEqual(["absent other"]);
    });
    test("and tells nothing of what it removed again", () => {
      const run = start({});
      run.mkdir("d");
      run.write("d/f");
      run.unlink("d/f");
      run.rmdir("d");
      run.stat("d");
      expect([...run.finish().changes.keys()]).toEqual([]);
      expect(run.looks()).toEqual(["absent d", "probe ."]);
    });
    test("nor about a file that it cut before it read it", () => {
      const run = start({ out: "old" });
      run.write("out", "new");
      run.read("out");
      // Its permissions are still those from before.
      expect(run.looks()).toEqual(["probe out"]);
      expect(changeOf(run, "out")).toBe("file written");
    });
    test("nor about one that it replaced by renaming", () => {
      const run = start({ out: "old" });
      run.write("out.tmp", "new");
      run.rename("out.tmp", "out");
      run.read("out");
      expect(run.looks()).toEqual(["absent out.tmp", "probe ."]);
      expect(changeOf(run, "out")).toBe(blind ? "unknown placed" : "unknown placed");
    });
    test("nor about one that it removed", () => {
      const run = start({ out: "old" });
      run.unlink("out");
      run.stat("out");
      expect(run.looks()).toEqual(["probe out"]);
      expect(changeOf(run, "out")).toBe("unknown removed");
    });
  });

  describe("keeps asking about what was there", () => {
    test("when it is read first and written later", () => {
      const run = start({ f: "old" });
      run.read("f");
      run.write("f", "new");
      expect(run.looks()).toEqual(["file f"]);
      expect(changeOf(run, "f")).toBe("file readBefore written");
    });
    test("when it is appended to, since what was there stays", () => {
      const run = start({ log: "old" });
      run.write("log", "more", FLAGS.O_APPEND);
      expect(run.looks()).toEqual(["file log"]);
      expect(changeOf(run, "log")).toBe("file readBefore written");
    });
    test("under the name that it had, when it is renamed", () => {
      const run = start({ f: "1" });
      run.rename("f", "g");
      run.read("g");
      expect(run.looks()).toEqual(["file f", "probe ."]);
      expect(changeOf(run, "f")).toMatch(/^(?:file|unknown) readBefore removed$/);
    });
    test("under the name that it had, through a hard link", () => {
      const run = start({ f: "1" });
      run.link("f", "g");
      run.read("g");
      expect(run.looks()).toEqual(["absent g", "probe .", "file f"]);
      expect(changeOf(run, "f")).toBe("file linked");
      expect(changeOf(run, "g")).toBe("absent placed");
    });
    test("when a link that the run made leads there", () => {
      const run = start({ "stubs/f": "1" });
      run.symlink("stubs", "l");
      run.read("l/f");
      expect(run.looks()).toEqual(["absent l", "probe .", "file stubs/f"]);
    });
    test("when a link leads elsewhere than it did, and the same is asked again", () => {
      const run = start({ "one/f": "1", "two/f": "2" });
      run.symlink("one", "now");
      run.stat("now/f");
      run.unlink("now");
      run.symlink("two", "now");
      // The kernel side drops this one: same folder, same string, same outcome.
      expect(run.looks()).toEqual(["absent now", "probe .", "stat one/f", "stat two/f"]);
    });
    test("when it fell through an empty name before, and a folder with a link came there", () => {
      const run = start({ "w0/": "" });
      run.stat("e/l/x");
      run.mkdir("e");
      run.symlink("../w0", "e/l");
      expect(run.looks()).toEqual(["absent e", "probe .", "absent w0/x"]);
    });
    test("in a folder whose last file the run removes", () => {
      const run = start({ "d/f": "1" });
      run.list("d");
      run.unlink("d/f");
      run.rmdir("d");
      expect(run.looks()).toEqual(["directory d", "probe d/f"]);
    });
  });

  test("a folder from before that is moved is an input that was modified", () => {
    const run = start({ "d/f": "1" });
    run.rename("d", "e");
    expect(run.finish().gaps).toEqual([{ kind: "input-modified", path: join(run.folder, "d") }]);
  });

  test("what is missing in .git is no question about HEAD, unless git makes it", () => {
    const run = start({ ".git/HEAD": "ref: refs/heads/main" });
    run.stat(".git/__init__.py");
    expect(run.looks()).toEqual(["absent .git/__init__.py"]);
    expect(run.finish().gitCalls).toEqual([]);
    const other = start({ ".git/HEAD": "ref: refs/heads/main" });
    other.stat(".git/MERGE_HEAD");
    expect(other.looks()).toEqual([]);
    expect(other.finish().gitCalls).toMatchObject([{ use: "head-dependent" }]);
  });

  test("a failed change is a look", () => {
    const run = start({ f: "1", "d/x": "2" });
    run.mkdir("d");
    run.mkdir("no/d");
    run.rmdir("d");
    run.unlink("gone");
    // Whether a folder is empty only its listing tells.
    expect(run.looks()).toEqual(["directory d", "absent no", "absent gone"]);
    expect([...run.finish().changes.keys()]).toEqual([]);
  });

  test("opened for writing, and not written, is no change", () => {
    const run = start({ lock: "" });
    fs.utimesSync(join(run.folder, "lock"), 1, 1);
    const later = new SyntheticRun(run.folder, { blind, startNs: BigInt(systemClock.now() + 60_000) * 1_000_000n });
    later.write("lock", "", FLAGS.O_RDWR);
    expect([...later.finish().changes.keys()]).toEqual([]);
  });

  test("a name that is not UTF-8 is no path that anybody can ask", () => {
    const run = start({});
    run.tell({
      type: "look",
      class: "stat",
      path: ref(run, "a\xffb"),
      noFollow: false,
      outcome: blind ? undefined : 2,
    });
    expect(run.finish().gaps).toEqual([{ kind: "unresolved-path", path: expect.stringContaining("\ufffd") }]);
  });

  test("names with newlines, quotes and 4-byte characters are paths like any other", () => {
    const name = 'a\n"\u{1f600}\\';
    const run = start({ [name]: "1" });
    run.tell({
      type: "look",
      class: "stat",
      path: ref(run, Buffer.from(name).toString("latin1")),
      noFollow: false,
      outcome: blind ? undefined : 0,
    });
    expect(run.looks()).toEqual([`stat ${name}`]);
  });

  function ref(run: SyntheticRun, string: string): { string: Bytes; base: undefined; baseAbsolute?: Bytes } {
    return { string: `${run.folder}/${string}` as Bytes, base: undefined, baseAbsolute: "/" as Bytes };
  }
});
