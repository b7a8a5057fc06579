// What a hit is worth: each named file protects it, and no damaged, foreign, forged or stale record ever serves.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ScanLab, codeqlLog } from "../testing/scan-lab.ts";
import type { Hit, ScanDecision } from "./decide-scan.ts";
import { jobEvent } from "./events.ts";
import { replayScan, defaultCategory } from "./replay-scan.ts";
import { canonicalSarif } from "./sarif/canonical.ts";
import { appendScan, disownScan } from "./scan-record.ts";

const TREE = {
  "a.js": "const a = 1;\nconst b = 2;\n",
  "lib/b.js": "module.exports = 1;\n// two\n",
  "lib/c.js": "three\n",
  "README.md": "# demo\n",
};

async function scanned(): Promise<ScanLab> {
  const lab = new ScanLab();
  lab.commit(TREE);
  await lab.scan(
    {},
    codeqlLog([
      ["a.js", 2],
      ["lib/b.js", 1],
      ["lib/c.js", 1],
    ]),
  );
  return lab;
}

function hitOf(decision: ScanDecision): Hit {
  if (decision.kind === "hit") return decision;
  throw new Error(JSON.stringify(decision.misses));
}

const whyOf = (decision: ScanDecision): string =>
  decision.kind === "hit" ? "hit" : JSON.stringify(decision.misses[0]);

const target = (lab: ScanLab, commit: string) => ({
  category: "/language:javascript",
  commit,
  ref: "refs/heads/main",
  checkoutUri: lab.checkoutUri,
  uuid: () => "11111111-1111-4111-8111-111111111111",
});

test("a replay speaks of the new commit, and holds what the scan found", async () => {
  const lab = await scanned();
  const commit = lab.commit({ "README.md": "new\n" });
  const hit = hitOf(await lab.decide());
  const before = canonicalSarif(hit.log);
  const { log, results } = replayScan(hit, target(lab, commit));
  expect(results).toBe(3);
  expect(canonicalSarif(log)).toBe(before);
  const [run] = log.runs;
  expect(run?.automationDetails?.id).toBe("/language:javascript/");
  expect(run?.properties?.["foregone/replay"]).toMatchObject({ commit: lab.git("rev-parse", "HEAD^") });
});

test.each(["a.js", "lib/b.js", "lib/c.js"])(
  "%s, named by a result and changed alone behind an equal key, refuses the replay and names the hole",
  async (path) => {
    const lab = await scanned();
    const { key } = await lab.key();
    lab.write(path, "something else\n");
    const decision = await lab.decide({}, key);
    expect(decision).toMatchObject({ kind: "scan", misses: [{ kind: "untrusted" }], hole: `${path} changed` });
    lab.remove(path);
    expect(await lab.decide({}, key)).toMatchObject({ kind: "scan", hole: `${path} is gone` });
  },
);

test("a file that a result names but git does not track is compared by its bytes", async () => {
  const lab = new ScanLab();
  lab.commit({ ...TREE, ".gitignore": "node_modules\n" });
  lab.write("node_modules/x/i.js", "found\n");
  await lab.scan({}, codeqlLog([["node_modules/x/i.js", 1]]));
  expect((await lab.decide()).kind).toBe("hit");
  lab.write("node_modules/x/i.js", "other\n");
  expect(await lab.decide()).toMatchObject({ kind: "scan", hole: "node_modules/x/i.js changed" });
});

test("a scan that read a file outside the compared ones serves the exact tree only", async () => {
  const lab = new ScanLab();
  lab.commit({ ...TREE, "docs/x.md": "1\n" });
  const admitted = await lab.admit(codeqlLog([["docs/x.md", 1]]));
  expect(admitted).toMatchObject({
    kind: "admitted",
    tier: "exact",
    exactOnly: expect.stringContaining("docs/x.md") as string,
  });
  await lab.scan({}, codeqlLog([["docs/x.md", 1]]));
  expect((await lab.decide()).kind).toBe("hit");
  lab.commit({ "README.md": "other" });
  expect((await lab.decide()).kind).toBe("scan");
});

test("what a scan made while it ran is exact-only; what it changed is refused", async () => {
  const lab = new ScanLab();
  lab.commit(TREE);
  const before = await lab.key();
  lab.write("built.js", "1");
  expect(await lab.admit(codeqlLog(), before)).toMatchObject({ tier: "exact" });
  lab.write("a.js", "changed\n2\n");
  expect(await lab.admit(codeqlLog(), before)).toMatchObject({
    kind: "refused",
    reasons: [{ code: "input-modified" }],
  });
  lab.commit();
  expect(await lab.admit(codeqlLog(), before)).toMatchObject({
    kind: "refused",
    reasons: [{ code: "input-modified" }],
  });
});

test.each([
  ["truncated", codeqlLog().subarray(0, 200), "not-json"],
  ["empty of runs", Buffer.from('{"version":"2.1.0","runs":[]}'), "no-runs"],
  ["partial", codeqlLog([["a.js", 1]], { properties: { incrementalMode: ["diff-informed"] } }), "partial-run"],
  ["failed", codeqlLog([["a.js", 1]], { invocations: [{ executionSuccessful: false }] }), "failed-run"],
  ["outside", codeqlLog([["file:///etc/passwd", 1]]), "uri-outside-root"],
  ["foreign", Buffer.from(codeqlLog().toString().replace('"name":"CodeQL"', '"name":"Other"')), "tool-mismatch"],
  ["of another version", Buffer.from(codeqlLog().toString().replace("2.25.6", "2.25.7")), "tool-mismatch"],
])("a log that is %s is never stored", async (_, bytes, code) => {
  const lab = new ScanLab();
  lab.commit(TREE);
  expect(await lab.admit(bytes)).toMatchObject({ kind: "refused", reasons: [{ code }] });
});

test("a record expires by its scan, and a hit never renews it", async () => {
  const lab = await scanned();
  lab.clock.ms += lab.options.maxAgeMs - 2000;
  hitOf(await lab.decide());
  lab.clock.ms += 3000;
  expect(await lab.decide()).toMatchObject({ kind: "scan", misses: [{ kind: "expired" }] });
  lab.options = { ...lab.options, maxAgeMs: 0 };
  expect(whyOf(await lab.decide())).toContain("cache-ttl 0");
});

test("a record of another repository does not serve, nor one from the future", async () => {
  const lab = await scanned();
  expect((await lab.decide({ repository: "evil/demo" })).kind).toBe("scan");
  lab.clock.ms -= 10_000;
  expect(whyOf(await lab.decide())).toContain("future");
});

/** Every byte of every stored file, flipped one at a time, in steps. */
test("a store that is damaged anywhere is a scan, never a wrong replay", async () => {
  const lab = await scanned();
  const good = canonicalSarif(hitOf(await lab.decide()).log);
  const root = join(lab.folder, "../store");
  const stored = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((f) =>
    /blobs.*[0-9a-f]{60}|records/.test(f),
  );
  let wrong = 0;
  for (const file of stored) {
    const path = join(root, file);
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch {
      continue;
    }
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(path, damaged);
      const decision = await lab.decide();
      const replayed = decision.kind === "hit" ? canonicalSarif(decision.log) : good;
      expect(replayed, `${file} at ${at}`).toBe(good);
      if (decision.kind === "scan") wrong++;
      writeFileSync(path, bytes);
    }
    rmSync(path);
    const decision = await lab.decide();
    expect(decision.kind === "hit" ? canonicalSarif(decision.log) : good).toBe(good);
    writeFileSync(path, bytes);
  }
  expect(wrong).toBeGreaterThan(3);
  hitOf(await lab.decide());
});

test("a poisoned SARIF under a record that names another digest is never read", async () => {
  const lab = await scanned();
  const { key, git } = await lab.key();
  // Right key, right format, fewer results: only who may write the store's index can make this a record at all.
  const admitted = await lab.admit(codeqlLog([]));
  if (admitted.kind !== "admitted") throw new Error("refused");
  const evil = new ScanLab();
  const { nodeHasher } = await import("../node/ports.ts");
  const { nodeDeflate } = await import("../node/store-files.ts");
  const facts = {
    ...admitted,
    gaps: [],
    durationMs: 1,
    checkoutUri: lab.checkoutUri,
    exitCode: 0,
    seal: {},
    provenance: { tool: "evil", repository: "acme/demo", commit: git.head },
  };
  await appendScan(key, facts, { store: evil.store, clock: evil.clock, hasher: nodeHasher, deflate: nodeDeflate });
  // Its record log, copied into the victim's store: authenticated with another machine's key.
  const from = join(evil.folder, "../store");
  const to = join(lab.folder, "../store");
  for (const file of readdirSync(from, { recursive: true, encoding: "utf8" }).filter(
    (f) => f.includes("/records/") || f.includes("/blobs/"),
  ))
    try {
      writeFileSync(join(to, file), readFileSync(join(from, file)));
    } catch {
      // A folder.
    }
  expect(await lab.decide()).toMatchObject({ kind: "scan", misses: [{ kind: "no-record" }] });
});

test("disowning a scan ends every record of its family; the next scan counts again", async () => {
  const lab = await scanned();
  await lab.scan({ queries: "security-extended" });
  await disownScan((await lab.key()).key, lab);
  expect((await lab.decide()).kind).toBe("scan");
  expect(whyOf(await lab.decide({ queries: "security-extended" }))).toContain("disowned");
  lab.clock.ms += 1;
  await lab.scan();
  hitOf(await lab.decide());
});

test("an audit scans although the record holds, and tells what it is to be compared with", async () => {
  const lab = await scanned();
  lab.options = { ...lab.options, audit: 1 / 50 };
  lab.random = { bytes: () => new Uint8Array(16), fraction: () => 0.01 };
  expect(await lab.decide()).toMatchObject({ kind: "scan", misses: [{ kind: "audit" }], auditOf: { kind: "hit" } });
  lab.random = { bytes: () => new Uint8Array(16), fraction: () => 0.5 };
  hitOf(await lab.decide());
  lab.event = jobEvent(
    { GITHUB_EVENT_NAME: "pull_request" },
    {
      pull_request: { head: { ref: "t", repo: { id: 1 } }, base: { repo: { id: 1 } } },
      repository: { default_branch: "main" },
    },
  );
  lab.random = { bytes: () => new Uint8Array(16), fraction: () => 0 };
  // Not on pull requests: their scans are partial.
  hitOf(await lab.decide());
});

const on = (name: string, ref: string, more: { fork?: boolean; headRef?: string; attempt?: number } = {}) =>
  jobEvent(
    { GITHUB_EVENT_NAME: name, GITHUB_REF: ref, GITHUB_RUN_ATTEMPT: String(more.attempt ?? 1) },
    {
      repository: { default_branch: "main" },
      ...(name.startsWith("pull_request") && {
        pull_request: {
          head: { ref: more.headRef ?? "topic", repo: { id: more.fork === true ? 2 : 1 } },
          base: { repo: { id: 1 } },
        },
      }),
    },
  );

test.each([
  // [made on, asked on, equal trees, other trees]
  [on("push", "refs/heads/main"), on("pull_request", "refs/pull/7/merge"), "hit", "hit"],
  [on("push", "refs/heads/main"), on("pull_request", "refs/pull/7/merge", { fork: true }), "hit", "hit"],
  [on("merge_group", "refs/heads/gh-readonly-queue/main/pr-1"), on("push", "refs/heads/main"), "hit", "hit"],
  [on("pull_request", "refs/pull/7/merge"), on("push", "refs/heads/main"), "hit", "scan"],
  [on("pull_request", "refs/pull/7/merge"), on("pull_request", "refs/pull/7/merge"), "hit", "hit"],
  [on("pull_request", "refs/pull/7/merge"), on("pull_request", "refs/pull/8/merge", { headRef: "u" }), "hit", "scan"],
  [on("push", "refs/heads/topic"), on("pull_request", "refs/pull/7/merge"), "hit", "hit"],
  [on("push", "refs/heads/topic"), on("push", "refs/heads/main"), "hit", "scan"],
  [on("pull_request_target", "refs/heads/main"), on("push", "refs/heads/main"), "scan", "scan"],
  [on("push", "refs/heads/main"), on("pull_request_target", "refs/heads/main"), "scan", "scan"],
  [on("push", "refs/heads/main"), on("workflow_run", "refs/heads/main"), "scan", "scan"],
  [on("push", "refs/heads/main"), on("schedule", "refs/heads/main"), "scan", "scan"],
  [on("push", "refs/heads/main"), on("push", "refs/heads/main", { attempt: 2 }), "scan", "scan"],
])("a record made by %o serves %o", async (made, asked, equalTrees, otherTrees) => {
  const lab = new ScanLab();
  lab.event = made;
  lab.commit(TREE);
  await lab.scan();
  lab.event = asked;
  expect((await lab.decide()).kind).toBe(equalTrees);
  lab.commit({ "README.md": "other" });
  expect((await lab.decide()).kind).toBe(otherTrees);
});

test("with trust: protected only the default branch and merge queues serve", async () => {
  const lab = new ScanLab();
  lab.options = { ...lab.options, trust: "protected" };
  lab.event = on("push", "refs/heads/topic");
  lab.commit(TREE);
  await lab.scan();
  expect(whyOf(await lab.decide())).toContain("only protected");
  lab.event = on("push", "refs/heads/main");
  await lab.scan();
  hitOf(await lab.decide());
});

test("the default category is the one code scanning gives", () => {
  expect(defaultCategory(".github/workflows/c.yml", "analyze", { language: "go", b: 2, a: "x" })).toBe(
    ".github/workflows/c.yml:analyze/a:x/b:/language:go/",
  );
  expect(defaultCategory("w.yml", "j", null)).toBe("w.yml:j/");
});
