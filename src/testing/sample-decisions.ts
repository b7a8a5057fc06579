// Decisions as a busy repository makes them, for tests, benchmarks and screenshots: the same for the same seed.
import type { Miss } from "../core/decision.ts";
import type { Digest } from "../core/digest.ts";
import type { EpochMs } from "../ports.ts";
import type { DecisionEvent } from "../store/decisions.ts";

const COMMANDS: readonly (readonly [command: readonly string[], cwd: string, runMs: number, skipShare: number])[] = [
  [["npm", "test"], ".", 252_000, 0.72],
  [["npm", "run", "lint"], ".", 38_000, 0.55],
  [["npx", "tsc", "--noEmit"], ".", 21_000, 0.5],
  [["cargo", "test", "--workspace"], "crates/core", 410_000, 0.64],
  [["python3", "-m", "pytest", "-q"], "services/billing", 95_000, 0.8],
  [["make", "docs"], ".", 64_000, 0.9],
  [["go", "test", "./..."], "services/gateway", 120_000, 0.7],
  [["./scripts/e2e.sh", "--browser", "chromium"], ".", 780_000, 0.31],
];
const DIGESTS = ["3fa1c2d8", "9be00174", "71d0ffab", "0c4e9931"].map((hex) => `git-sha1:${hex}${"0".repeat(32)}`);
const FILES = ["src/parser.ts", "src/lexer.ts", "package-lock.json", "src/report/words.ts", "crates/core/src/lib.rs"];

export interface SampleOptions {
  readonly count: number;
  /** Newest decision; the others lie before it, evenly over `spanMs`. */
  readonly until: number;
  readonly spanMs: number;
  readonly seed?: number;
  /** Named by skips, and by runs as what they were compared with. */
  readonly record?: Digest;
}

/** Oldest first. */
export function* sampleDecisions({ count, until, spanMs, seed = 1, record }: SampleOptions): Generator<DecisionEvent> {
  const random = mulberry32(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  for (let i = 0; i < count; i++) {
    const [command, cwd, meanMs, skipShare] = pick(COMMANDS);
    const at = Math.round(until - spanMs * ((count - 1 - i) / Math.max(1, count)) - random() * 1000);
    const runMs = Math.round(meanMs * (0.8 + 0.4 * random()));
    const common = {
      at: at as EpochMs,
      command,
      workspace: "/home/runner/work/shop/shop",
      cwd,
      repository: "acme/shop",
      compared: { file: 611 + Math.floor(random() * 40), absent: 402, directory: 61, stat: 88, env: 31, git: 1 },
      gaps: [],
      optOuts: [],
      decideMs: Math.round(120 + 200 * random()),
      ...(record !== undefined && { record }),
      proof: {
        recordedAt: (at - 7_200_000) as EpochMs,
        runId: String(9182 + i),
        commit: "3f2c1ab0".padEnd(40, "0"),
        ref: "refs/heads/main",
        event: "push",
      },
    };
    if (random() < skipShare)
      yield {
        ...common,
        kind: "skip",
        basis: random() < 0.6 ? "exact-tree" : "trace",
        misses: [],
        missCount: 0,
        savedMs: runMs - 410,
        exitCode: 0,
      };
    else {
      const misses = sampleMisses(pick, random);
      const audit = misses[0].kind === "audit" && random() < 0.9 ? ({ audit: "same" } as const) : {};
      yield {
        ...common,
        kind: "run",
        misses,
        missCount: misses.length,
        runMs,
        traceMs: Math.round(runMs * 0.02),
        exitCode: random() < 0.94 ? 0 : 1,
        ...audit,
      };
    }
  }
}

function sampleMisses(pick: <T>(values: readonly T[]) => T, random: () => number): [Miss, ...Miss[]] {
  const r = random();
  const changed = (): Miss => ({
    kind: "changed",
    question: { kind: "file", key: pick(FILES) },
    was: `644 ${pick(DIGESTS)}`,
    now: `644 ${pick(DIGESTS)}`,
    by: "node (vitest)",
  });
  if (r < 0.6) return [changed(), ...Array.from({ length: Math.floor(random() * 4) }, changed)];
  if (r < 0.72) return [{ kind: "no-record" }];
  if (r < 0.8) return [{ kind: "expired", ageMs: 8 * 86_400_000, maxAgeMs: 7 * 86_400_000 }];
  if (r < 0.88) return [{ kind: "audit", why: "1 in 50" }];
  return [{ kind: "gap", gap: { kind: "untraced-network", host: "objects.example.org", port: 443 } }];
}

/** The generator of docs/github-api-cache.md 6.2, so that every sample of this project is drawn in one way. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
