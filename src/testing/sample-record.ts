// A small record with one of everything, and observations as a real build would make them, for tests and benchmarks.
import { createHash } from "node:crypto";
import type { Digest } from "../core/digest.ts";
import type { InputPath } from "../core/input-path.ts";
import type { Observation } from "../core/observation.ts";
import type { ActionRecord, OutputFile } from "../core/record.ts";
import type { EpochMs } from "../ports.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
const digest = (text: string): Digest => `sha256:${sha256(text)}` as Digest;

function outputFile(path: string, more: Partial<OutputFile>): OutputFile {
  return { path: path as InputPath, type: "file", created: true, restored: true, mode: 0o644, sizeBytes: 0, ...more };
}

export const sampleRecord: ActionRecord = {
  version: 1,
  weak: digest("weak"),
  action: {
    argv: ["npm", "test", "--", "-x"],
    cwd: "." as InputPath,
    env: { policy: "hash", values: { LANG: sha256("C.UTF-8"), PATH: sha256("/usr/bin:/bin") } },
    platform: { os: "linux", arch: "x64", uid: "1000" },
    salt: { format: 1, outputs: ["dist/**"], jobKey: null },
  },
  trace: {
    observations: [
      { kind: "file", key: "src/a.ts", value: `644 git-sha1:${sha1("a")}`, by: "node (vitest)" },
      { kind: "file", key: "/usr/bin/node", value: `755 sha256:${sha256("node")}`, by: "sh" },
      { kind: "stat", key: "src/b.ts", value: "file 644 1234", by: "node (vitest)" },
      { kind: "probe", key: "node_modules", value: "dir", by: "node (vitest)" },
      { kind: "absent", key: "src/a.js", value: "absent", by: "node (vitest)" },
      { kind: "directory", key: "src", value: digest("listing"), by: "node (vitest)" },
      {
        kind: "symlink",
        key: "node_modules/ünïcödé \u{1f4e6}",
        value: `git-sha1:${sha1("target")}`,
        by: "node (vitest)",
      },
      { kind: "env", key: "GITHUB_SHA", value: "unset", by: "sh" },
      { kind: "git", key: "rev-parse HEAD", value: digest("head"), by: "git" },
      { kind: "http", key: "GET https://example.org/a?b=1", value: 'W/"etag"', by: "curl" },
    ],
    gaps: [{ kind: "untraced-network", host: "objects.example.org", port: 443 }],
  },
  result: {
    exitCode: 0,
    output: digest("output log"),
    outputs: [
      outputFile("dist/a.js", { content: digest("dist/a.js"), sizeBytes: 9 }),
      outputFile("$HOME/.cache/tool", { content: digest("not stored"), restored: false }),
      outputFile("dist", { type: "dir", mode: 0o755 }),
    ],
    durationMs: 252_000.5,
  },
  provenance: {
    recordedAt: 1_762_423_200_000 as EpochMs,
    tool: "foregone 0.1.0",
    seal: { backend: "ebpf", lost: 0 },
    repository: "acme/demo",
    commit: sha1("commit"),
    runAttempt: 1,
  },
  optOuts: ["git.head"],
};

/**
 * Observations of a large build: half `file`, the rest absent, stat, probe, directory and symlink; paths as a package
 * manager lays them out, in the order a module loader asks for them.
 * @param digestBytes 20: files tracked by git; 32: hashed by us
 */
export function syntheticObservations(count: number, digestBytes: 20 | 32): Observation[] {
  const observations: Observation[] = [];
  const words = ["parser", "index", "utils", "stream", "reader", "legacy", "format", "options", "compile", "runtime"];
  const value = (i: number): string => (digestBytes === 32 ? `sha256:${sha256(`${i}`)}` : `git-sha1:${sha1(`${i}`)}`);
  for (let i = 0; observations.length < count; i++) {
    // Three digits of a digest: names that no compression can guess.
    const scatter = sha1(`p${i}`);
    const pack = `node_modules/@scope-${scatter.slice(0, 1)}/${words[i % 10]}-${scatter.slice(1, 3)}`;
    const file = `${pack}/dist/${words[(i * 7) % 10]}-${scatter.slice(3, 6)}`;
    const by = i % 50 === 0 ? "sh" : "node (vitest)";
    observations.push({ kind: "file", key: `${file}.js`, value: `644 ${value(i)}`, by });
    const rest: readonly Observation[] = [
      { kind: "absent", key: `${file}.ts`, value: "absent", by },
      { kind: "stat", key: `${pack}/package.json`, value: `file 644 ${(i * 7919) % 40_000}`, by },
      { kind: "absent", key: `${file}/index.js`, value: "absent", by },
      { kind: "probe", key: `${pack}/dist`, value: "dir", by },
      { kind: "absent", key: `${pack}/node_modules`, value: "absent", by },
      { kind: "directory", key: pack, value: `sha256:${sha256(`d${i}`)}`, by },
      { kind: "symlink", key: `${pack}/link`, value: `git-sha1:${sha1(`l${i}`)}`, by },
    ];
    const other = rest[i % rest.length];
    if (other !== undefined && observations.length < count) observations.push(other);
  }
  return observations;
}
