// Whatever readers, writers, changes, lost rights, crashes and clocks interleave: an answer is what GitHub would give this
// token now (strict), or gave it within the lease (lease), and never older than a write that went the same way.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { memoryStore } from "../store/memory.ts";
import { PROVEN, type TestEngine, testEngine } from "../testing/github-engine.ts";
import { GitHubSemantics } from "../testing/github-semantics.ts";
import { GitHubTable } from "../testing/github-table.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { DEFAULT_ENGINE } from "./engine.ts";

const PATHS = ["/repos/o/a", "/repos/o/b/labels"];
const TOKENS = ["ghp_1", "ghs_2"];
const LEASE_MS = 5000;

type Op =
  | {
      readonly op: "read";
      readonly token: number;
      readonly path: number;
      readonly via: number;
      readonly tagged: boolean;
    }
  | { readonly op: "write"; readonly token: number; readonly path: number; readonly via: number }
  | { readonly op: "change"; readonly path: number; readonly back: boolean }
  | { readonly op: "rights"; readonly token: number; readonly path: number }
  | { readonly op: "pass"; readonly ms: number }
  | { readonly op: "jump"; readonly ms: number }
  | { readonly op: "crash"; readonly via: number; readonly flushed: boolean }
  | { readonly op: "rule"; readonly other: boolean };

const token = fc.nat({ max: TOKENS.length - 1 });
const path = fc.nat({ max: PATHS.length - 1 });
const via = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: fc.constant("read" as const), token, path, via, tagged: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("write" as const), token, path, via }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("change" as const), path, back: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("rights" as const), token, path }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("pass" as const), ms: fc.constantFrom(1, 3000, 6000) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("jump" as const), ms: fc.constantFrom(-1e7, 1e7) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("crash" as const), via, flushed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("rule" as const), other: fc.boolean() }) },
);

interface World {
  readonly table: GitHubTable;
  readonly time: VirtualTime;
  readonly double: GitHubSemantics;
  readonly engines: TestEngine[];
  readonly rights: Set<string>[];
  restart(via: number): void;
}

function world(freshness: "strict" | "lease", kept: { readonly memory: boolean }): World {
  const time = new VirtualTime();
  const table = new GitHubTable();
  const rights = PATHS.map(() => new Set(TOKENS));
  PATHS.forEach((p, i) => table.set(p, p.endsWith("s") ? list(0) : { v: 0 }, { readers: rights[i] ?? new Set() }));
  const double = new GitHubSemantics(table.origin, {
    now: () => time.clock.now(),
    limit: 1e9,
    etagOn304: false,
    linkOn304: false,
  });
  const store = memoryStore(nodeHasher, 1e8);
  const leases = { ...DEFAULT_ENGINE.reads.leases, freshness };
  const candidates = { ...DEFAULT_ENGINE.candidates, memoryBytes: kept.memory ? 1e7 : 1 };
  const throttle = { ...DEFAULT_ENGINE.throttle, pointsPerMinute: 1e9, writeBurst: 1e9 };
  const options = { reads: { ...DEFAULT_ENGINE.reads, leases }, candidates, throttle };
  const make = (): TestEngine => testEngine({ table, time, double, store, options, ruleFile: PROVEN });
  const engines = [make(), make()];
  return { table, time, double, engines, rights, restart: (i) => (engines[i] = make()) };
}

function list(v: number): unknown[] {
  // Between 30 and 31 items page 1 keeps its bytes, and gets a next page.
  return Array.from({ length: 28 + (v % 4) }, (_, id) => ({ id }));
}

/** What GitHub would say now, as one text. */
function truth({ table }: World, p: string, who: string): string {
  const { status, body, headers } = table.origin({ method: "GET", path: p, headers: {}, body: Buffer.alloc(0) }, who);
  return `${status} ${String(headers["link"] ?? "").includes('rel="next"')} ${body.toString()}`;
}

/** @returns "sound", or the first answer that GitHub would not have given */
async function holds(freshness: "strict" | "lease", memory: boolean, ops: readonly Op[]): Promise<string> {
  const w = world(freshness, { memory });
  let version = 0;
  /** Every truth there was, by path and token, with the step and the monotonic time at which it ended. */
  const was = new Map<string, { text: string; endStep: number; endMs: number }[]>();
  const wrote = new Map<string, number>();
  const tags = new Map<string, { etag: string; text: string }>();
  let at = 0;
  const remember = (): void => {
    for (const p of PATHS)
      for (const who of TOKENS) {
        const key = `${p} ${who}`;
        const texts = was.get(key) ?? [];
        texts.push({ text: truth(w, p, who), endStep: at, endMs: w.time.clock.monotonicMs() });
        was.set(key, texts);
      }
  };
  for (const step of ops) {
    at++;
    const now = w.time.clock.monotonicMs();
    switch (step.op) {
      case "pass":
        w.time.pass(step.ms);
        break;
      case "jump":
        w.time.jump(step.ms);
        break;
      case "rule":
        w.double.options.rule = step.other ? "other" : "github";
        break;
      case "change": {
        remember();
        version = step.back ? Math.max(0, version - 1) : version + 1;
        const p = PATHS[step.path] ?? "";
        const resource = w.table.resources.get(p);
        if (resource !== undefined) resource.value = p.endsWith("s") ? list(version) : { v: version };
        break;
      }
      case "rights": {
        remember();
        const readers = w.rights[step.path];
        const who = TOKENS[step.token] ?? "";
        if (readers?.delete(who) === false) readers.add(who);
        break;
      }
      case "crash":
        if (step.flushed) await w.engines[step.via]?.engine.flush();
        w.restart(step.via);
        break;
      case "write": {
        remember();
        const p = PATHS[step.path] ?? "";
        await w.engines[step.via]?.ask(p, TOKENS[step.token] ?? "", {
          method: "PATCH",
          body: Buffer.from(`{"v":${++version}}`),
        });
        for (const q of PATHS) if (q.startsWith(p) || !q.startsWith("/repos")) wrote.set(`${step.via} ${q}`, at);
        break;
      }
      case "read": {
        const [p, who] = [PATHS[step.path] ?? "", TOKENS[step.token] ?? ""];
        const key = `${p} ${who}`;
        const tag = step.tagged ? tags.get(key) : undefined;
        const headers = tag === undefined ? {} : { "if-none-match": tag.etag };
        const answer = await w.engines[step.via]?.ask(p, who, { headers });
        if (answer === undefined) break;
        const next = String(answer.headers["link"] ?? "").includes('rel="next"');
        const text =
          answer.status === 304 ? (tag?.text ?? "304 to nothing") : `${answer.status} ${next} ${answer.text}`;
        if (answer.status === 200) tags.set(key, { etag: String(answer.headers["etag"]), text });
        const since = wrote.get(`${step.via} ${p}`) ?? 0;
        const before = freshness === "strict" ? [] : (was.get(key) ?? []);
        const recent = before.filter(({ endStep, endMs }) => endStep > since && endMs >= now - LEASE_MS);
        const allowed = [truth(w, p, who), ...recent.map((t) => t.text)];
        // What a client does with Link when it asked with a tag of its own is its affair, with or without us.
        const bare = (full: string): string => (answer.status === 304 ? full.replace(/ (?:true|false) /, " ") : full);
        if (!allowed.map(bare).includes(bare(text)))
          return `step ${at}, ${key}: ${text}; allowed: ${allowed.join(" | ")}`;
        break;
      }
      default:
        step satisfies never;
    }
  }
  return "sound";
}

const SECONDS = process.env["FOREGONE_TEST_LONG"] === undefined ? 4 : 60;

test.each([
  ["strict", true],
  ["strict", false],
  ["lease", true],
  ["lease", false],
] as const)(
  "an answer is what GitHub would say: %s, bodies in memory %s",
  { timeout: SECONDS * 1000 + 20_000 },
  async (freshness, memory) => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 80, size: "max" }), async (ops) => {
        expect(await holds(freshness, memory, ops)).toBe("sound");
      }),
      { interruptAfterTimeLimit: (SECONDS * 1000) / 4, numRuns: 100_000, markInterruptAsFailure: false },
    );
  },
);
