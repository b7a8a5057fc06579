import fs from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toAbsolute } from "../core/input-path.ts";
import { nodeFiles, nodeFileWriter, nodeHasher, nodeRunner, systemRandom } from "../node/ports.ts";
import { Sandbox, verdictOf } from "../testing/sandbox.ts";
import { replayOutputs } from "./replay.ts";
import { startState } from "./start-state.ts";

let box: Sandbox;
beforeEach(() => {
  box = new Sandbox();
});
afterEach(() => box[Symbol.dispose]());

const verdict = async (): Promise<string> => verdictOf(await box.decide());

describe("each kind of look holds until it changes", () => {
  beforeEach(async () => {
    box.write("src/a.js", "a");
    box.write("src/b.js", "b");
    box.write("README.md", "readme");
    fs.symlinkSync("src/a.js", box.path("link"));
    box.commit();
    await box.run({
      looks: [
        ["file", "src/a.js"],
        ["absent", "src/c.js"],
        ["directory", "src"],
        ["symlink", "link"],
        ["probe", "src/b.js"],
        ["stat", "README.md"],
      ],
    });
  });

  const cases: readonly [string, () => void, string][] = [
    ["nothing", () => undefined, "skip trace"],
    ["an unread edit of equal size", () => box.write("README.md", "Readme"), "skip trace"],
    ["a file that was only probed, edited", () => box.write("src/b.js", "longer"), "skip trace"],
    ["a new file nobody looked for", () => box.write("other/x", "x"), "skip trace"],
    ["a commit of an unread file", () => (box.write("z", "z"), box.commit()), "skip trace"],
    ["a read file, edited", () => box.write("src/a.js", "A"), "changed file src/a.js"],
    ["chmod +x of a read file", () => box.write("src/a.js", "a", 0o755), "changed file src/a.js"],
    ["a read file, renamed", () => fs.renameSync(box.path("src/a.js"), box.path("a2.js")), "changed file src/a.js"],
    ["an absent file that appears", () => box.write("src/c.js", ""), "changed absent src/c.js"],
    ["a file in a listed folder", () => box.write("src/d.js", ""), "changed directory src"],
    [
      "a symlink retargeted",
      () => (fs.rmSync(box.path("link")), fs.symlinkSync("src/b.js", box.path("link"))),
      "changed symlink link",
    ],
    ["a probed file, deleted", () => fs.rmSync(box.path("src/b.js")), "changed directory src"],
    ["a size that was seen", () => box.write("README.md", "readme!"), "changed stat README.md"],
    [
      "a file that became a folder",
      () => (fs.rmSync(box.path("README.md")), fs.mkdirSync(box.path("README.md"))),
      "changed stat README.md",
    ],
  ];
  test.each(cases)("%s", async (_name, edit, expected) => {
    edit();
    expect(await verdict()).toBe(expected);
  });

  test("a revert is a hit again, found by its strong fingerprint", async () => {
    const looks = [["file", "src/a.js"]] as const;
    await box.run({ looks: [...looks], stdout: "first" });
    box.write("src/a.js", "A");
    await box.run({ looks: [...looks], stdout: "second" });
    box.write("src/a.js", "a");
    const { verdict } = await box.decide();
    expect(verdict.decision.kind).toBe("skip");
  });

  test("every difference is named, the first one read first", async () => {
    box.write("src/c.js", "");
    box.write("src/a.js", "A");
    const { verdict } = await box.decide();
    const misses = verdict.decision.kind === "run" ? verdict.decision.misses : [];
    expect(misses.map((miss) => miss.kind === "changed" && miss.question.key)).toEqual(["src/a.js", "src/c.js", "src"]);
  });
});

describe("what the Action is", () => {
  beforeEach(async () => {
    await box.run({ looks: [] });
  });

  test("another variable is another Action, and the miss names it", async () => {
    box.env["NODE_ENV"] = "production";
    const { verdict } = await box.decide();
    expect(verdict.decision).toMatchObject({
      kind: "run",
      misses: [{ kind: "no-record", why: "env NODE_ENV differs" }],
    });
  });

  test("a volatile variable is not: no record of a pull request could serve main", async () => {
    box.env["GITHUB_SHA"] = "1".repeat(40);
    expect(await verdict()).toBe("skip trace");
  });

  test("another argument is another command", async () => {
    expect(verdictOf(await box.decide(["test", "--all"]))).toBe("no-record");
  });

  test("an older record than max-age is expired", async () => {
    box.laterMs = 8 * 24 * 3_600_000;
    expect(await verdict()).toBe("expired");
  });

  test("a record from the future is not trusted", async () => {
    box.laterMs = -60_000;
    expect(await verdict()).toBe("untrusted");
  });

  test("time-sensitive, record and off never skip", async () => {
    const defaults = box.options;
    for (const options of [{ timeSensitive: true }, { mode: "record" }, { mode: "off" }] as const) {
      box.options = { ...defaults, ...options };
      expect(await verdict()).toBe("audit");
    }
  });

  test("a share of the would-be skips runs all the same", async () => {
    box.options = { ...box.options, audit: 1 };
    const { verdict } = await box.decide();
    expect(verdict.decision.kind).toBe("run");
    expect(verdict.auditOf?.kind).toBe("skip");
  });
});

test("a volatile variable whose name a read file holds is an observation", async () => {
  box.env["GITHUB_SHA"] = "1".repeat(40);
  box.write("version.js", "export const sha = process.env.GITHUB_SHA;");
  box.commit();
  await box.run({ looks: [["file", "version.js"]] });
  expect(await verdict()).toBe("skip trace");
  box.env["GITHUB_SHA"] = "2".repeat(40);
  expect(await verdict()).toBe("changed env GITHUB_SHA");
});

describe("what the run itself changed", () => {
  test("an output there, byte for byte, counts as not yet made; another one does not", async () => {
    await box.run({
      looks: [
        ["absent", "out"],
        ["directory", "."],
      ],
      act: () => box.write("out/x", "made"),
      changes: [
        { path: "out", before: "absent", written: false, placed: true },
        { path: "out/x", before: "absent" },
      ],
    });
    expect(await verdict()).toBe("skip trace");
    box.write("out/x", "edited");
    expect(await verdict()).toBe("changed absent out");
    fs.rmSync(box.path("out"), { recursive: true });
    expect(await verdict()).toBe("skip trace");
  });

  test("an untracked input that the run rewrote is a gap", async () => {
    box.write("state", "1");
    const { record } = await box.run({
      looks: [["file", "state"]],
      act: () => box.write("state", "2"),
      changes: [{ path: "state", before: "file", readBefore: true }],
    });
    expect(record.trace.gaps).toEqual([{ kind: "input-modified", path: "state" }]);
    expect(await verdict()).toBe("gap input-modified");
  });

  test("a tracked input rewritten with the same bytes is none", async () => {
    box.write("a.js", "a");
    box.commit();
    const { record } = await box.run({
      looks: [["file", "a.js"]],
      act: () => box.write("a.js", "a"),
      changes: [{ path: "a.js", before: "file", readBefore: true }],
    });
    expect(record.trace.gaps).toEqual([]);
    expect(record.result.outputs).toEqual([]);
  });

  test("an input that somebody else edited meanwhile is a gap", async () => {
    box.write("a.js", "a");
    box.commit();
    const { record } = await box.run({ looks: [["file", "a.js"]], act: () => box.write("a.js", "b") });
    expect(record.trace.gaps).toEqual([{ kind: "input-modified", path: "a.js" }]);
  });

  test("a name that somebody else put into a listed folder meanwhile is a gap", async () => {
    box.write("d/a", "a");
    box.commit();
    const { record } = await box.run({
      looks: [["directory", "d"]],
      act: () => (box.write("d/own", ""), box.write("d/foreign", "")),
      changes: [{ path: "d/own", before: "absent" }],
    });
    expect(record.trace.gaps).toEqual([{ kind: "input-modified", path: "d" }]);
  });

  test("a listing is that of before the run: own files left out, removed ones put back", async () => {
    box.write("d/a", "a");
    box.write("d/b", "b");
    box.commit();
    const before = box.world().ask({ kind: "directory", key: "d" });
    const { record } = await box.run({
      looks: [["directory", "d"]],
      act: () => (fs.rmSync(box.path("d/a")), box.write("d/c", "c")),
      changes: [
        { path: "d/a", before: "file", written: false, removed: true },
        { path: "d/c", before: "absent" },
      ],
    });
    expect(record.trace.gaps).toEqual([]);
    expect(record.trace.observations[0]?.value).toBe(before);
    expect(record.result.outputs.map(({ path, type }) => `${type} ${path}`)).toEqual(["deleted d/a", "file d/c"]);
  });

  test("a second traced run that makes the same output again is still a hit afterwards", async () => {
    box.write("a.js", "1");
    box.commit();
    const build = (content: string) =>
      box.run({
        looks: [
          ["file", "a.js"],
          ["stat", "out"],
        ],
        act: () => box.write("out", content),
        changes: [{ path: "out", before: fs.existsSync(box.path("out")) ? "file" : "absent" }],
      });
    await build("one");
    box.write("a.js", "2");
    const { record } = await build("two");
    expect(record.trace.gaps).toEqual([]);
    expect(await verdict()).toBe("skip trace");
    fs.rmSync(box.path("out"));
    expect(await verdict()).toBe("skip trace");
  });
});

describe("the very same tree", () => {
  test("bears a gap in the outside world for a day, on a clean tree only", async () => {
    box.write("a", "a");
    box.commit();
    const gaps = [{ kind: "untraced-network", host: "example.invalid", port: 443 }] as const;
    await box.run({ looks: [["file", "a"]], more: { gaps } });
    expect(await verdict()).toBe("skip exact-tree");
    box.write("unread", "x");
    expect(await verdict()).toBe("gap untraced-network");
    fs.rmSync(box.path("unread"));
    box.laterMs = 25 * 3_600_000;
    expect(await verdict()).toBe("gap untraced-network");
  });

  test("never bears an untraced process or lost events on a machine with leftovers", async () => {
    box.write("a", "a");
    box.commit();
    await box.run({ looks: [], more: { gaps: [{ kind: "events-lost", count: 1, what: "lost" }] } });
    expect(await verdict()).toBe("gap events-lost");
  });
});

describe("policies", () => {
  const connection = {
    hosts: ["h.example"],
    address: "192.0.2.1",
    port: 443,
    by: "curl",
    argv: ["curl"],
    cwd: undefined,
    installer: undefined,
  };

  test("a host with a rule is no gap, and the record lives as long as the rule says", async () => {
    box.options = { ...box.options, network: [{ host: "h.example", ttlMs: 3_600_000 }] };
    const { record } = await box.run({ looks: [], more: { connections: [connection] } });
    expect(record.trace.gaps).toEqual([]);
    expect(await verdict()).toBe("skip trace");
    box.laterMs = 3_700_000;
    expect(await verdict()).toBe("expired");
  });

  test("a host without a rule is a gap that can be accepted by name", async () => {
    box.write("dirty", "");
    await box.run({ looks: [], more: { connections: [connection] } });
    expect(await verdict()).toBe("gap untraced-network");
    box.options = { ...box.options, accept: ["untraced-network:h.example"] };
    await box.run({ looks: [], more: { connections: [connection] } });
    expect(await verdict()).toBe("skip trace");
  });

  test("asking git for HEAD is an observation that the next commit changes", async () => {
    box.commit();
    const call = {
      use: "head-dependent",
      ask: ["rev-parse", "HEAD"],
      cwd: box.workspace,
      repository: box.workspace,
      by: "git",
    } as const;
    await box.run({ looks: [], more: { gitCalls: [call] } });
    expect(await verdict()).toBe("skip trace");
    box.commit("next");
    expect(await verdict()).toBe("changed git head");
  });

  test("asking git whether the tree is clean holds across commits, not across edits", async () => {
    box.write("a", "a");
    box.commit();
    const call = {
      use: "clean-check",
      ask: ["status"],
      cwd: box.workspace,
      repository: box.workspace,
      by: "git",
    } as const;
    await box.run({ looks: [], more: { gitCalls: [call] } });
    box.write("a", "b");
    expect(await verdict()).toBe("changed git clean");
    box.commit("edit");
    expect(await verdict()).toBe("skip trace");
  });

  test("stat.size ignored: an edit that changes the size is no change", async () => {
    box.options = { ...box.options, ignore: ["stat.size"] };
    box.write("a", "a");
    box.commit();
    await box.run({ looks: [["stat", "a"]] });
    box.write("a", "longer");
    expect(await verdict()).toBe("skip trace");
  });
});

describe("replay", () => {
  const restore = async (outputs: Parameters<typeof replayOutputs>[0]) => {
    const { store } = box.parts([]);
    const parts = {
      roots: { workspace: box.workspace },
      files: nodeFiles,
      writer: nodeFileWriter,
      hasher: nodeHasher,
      random: systemRandom,
      blobs: store.blobs,
    };
    return replayOutputs(outputs, parts);
  };

  test("puts files, modes, links and deletions back as they were", async () => {
    box.write("gone", "x");
    box.commit();
    const { record } = await box.run({
      looks: [],
      act: () => {
        box.write("out/run.sh", "#!/bin/sh\n", 0o755);
        fs.symlinkSync("run.sh", box.path("out/link"));
        fs.rmSync(box.path("gone"));
      },
      changes: [
        { path: "out", before: "absent", placed: true, written: false },
        { path: "out/run.sh", before: "absent" },
        { path: "out/link", before: "absent", placed: true, written: false },
        { path: "gone", before: "file", removed: true, written: false },
      ],
    });
    fs.rmSync(box.path("out"), { recursive: true });
    box.write("gone", "x");
    expect(await restore(record.result.outputs)).toMatchObject({ kind: "done" });
    expect(fs.readFileSync(box.path("out/run.sh"), "utf8")).toBe("#!/bin/sh\n");
    expect(fs.statSync(box.path("out/run.sh")).mode & 0o777).toBe(0o755);
    expect(fs.readlinkSync(box.path("out/link"))).toBe("run.sh");
    expect(fs.existsSync(box.path("gone"))).toBe(false);
    expect(await restore(record.result.outputs)).toMatchObject({ kind: "done", written: 0 });
  });

  test.each(["../escape", "/etc/x", "a/../../x", ".git/hooks/pre-commit", "$HOME/x", "."])(
    "never writes to %s",
    async (path) => {
      const { store } = box.parts([]);
      const content = await store.blobs.put(Buffer.from("x"));
      const output = {
        path: path as never,
        type: "file",
        created: true,
        restored: true,
        mode: 0o644,
        content,
        sizeBytes: 1,
      } as const;
      expect(await restore([output])).toMatchObject({ kind: "refused" });
    },
  );

  test("never writes through a symlink out of the workspace, and leaves nothing behind", async () => {
    fs.mkdirSync(`${box.folder}/outside`);
    fs.symlinkSync("../outside", box.path("d"));
    const { store } = box.parts([]);
    const content = await store.blobs.put(Buffer.from("x"));
    const common = { type: "file", created: true, restored: true, mode: 0o644, content, sizeBytes: 1 } as const;
    const result = await restore([
      { ...common, path: "first" as never },
      { ...common, path: "d/x" as never },
    ]);
    expect(result).toMatchObject({ kind: "refused" });
    expect(fs.readdirSync(`${box.folder}/outside`)).toEqual([]);
    expect(fs.readdirSync(box.workspace).sort()).toEqual([".git", "d"]);
  });
});

test("an input path with a dollar sign is told from a named root", () => {
  expect(toAbsolute("./$HOME/x" as never, { workspace: "/w", home: "/h" })).toBe("/w/$HOME/x");
  expect(toAbsolute("$HOME/x" as never, { workspace: "/w", home: "/h" })).toBe("/h/x");
});

test("git says what was there before the run: files, links, folders, nothing, or that it cannot tell", () => {
  box.write("d/a", "a");
  fs.symlinkSync("d/a", box.path("link"));
  box.write(".gitignore", "node_modules\n");
  box.commit();
  box.write("node_modules/m/x.js", "x");
  box.write("new", "n");
  box.write("d/a", "edited");
  const start = startState(box.workspace, box.env, nodeRunner, 0n);
  const seen = ["link", "d", ".gitignore", "gone", "d/b", "new", "d/a", "node_modules/y"].map((path) =>
    start.before(path),
  );
  expect(seen).toEqual(["symlink", "dir", "file", "absent", "absent", undefined, undefined, undefined]);
  expect(start.cleanTree).toBeUndefined();
});

test("asking git for its settings holds until one changes, but for the token of a checkout", async () => {
  box.commit();
  const call = { use: "config", ask: undefined, cwd: box.workspace, repository: box.workspace, by: "git" } as const;
  await box.run({ looks: [], more: { gitCalls: [call] } });
  box.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic x");
  expect(await verdict()).toBe("skip trace");
  box.git("config", "my.setting", "1");
  expect(await verdict()).toBe("changed git config");
});
