// An engine in front of the double, without sockets: for tests and benches of what the engine decides.
import type { ApiEvent } from "../github/effects.ts";
import { DEFAULT_ENGINE, Engine, type EngineOptions } from "../github/engine.ts";
import type { ApiAnswer, ApiRequest, Upstream } from "../github/message.ts";
import type { RuleFile } from "../github/rules.ts";
import { UNPROVEN } from "../github/self-check.ts";
import { type ApiKeys, deriveKeys } from "../github/seal.ts";
import { nodeHasher, systemRandom } from "../node/ports.ts";
import { memoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { type GitHubSemantics, GitHubSemantics as Semantics, type SemanticsOptions } from "./github-semantics.ts";
import { doubleUpstream } from "./github-server.ts";
import { GitHubTable } from "./github-table.ts";
import { VirtualTime } from "./virtual-time.ts";

/** As if the rule had been seen to hold before. */
export const PROVEN: RuleFile = {
  load: () => JSON.stringify([["api.github.com json", { ...UNPROVEN, verdict: "proven" }]]),
  save: () => undefined,
};

export interface EngineSetup {
  readonly semantics?: Partial<SemanticsOptions>;
  readonly options?: Partial<EngineOptions>;
  readonly store?: Store;
  readonly keys?: ApiKeys;
  /** By default proven. */
  readonly ruleFile?: RuleFile | "none";
  readonly time?: VirtualTime;
  readonly double?: GitHubSemantics;
  readonly table?: GitHubTable;
  readonly upstream?: (plain: Upstream) => Upstream;
}

export const TEST_KEYS: ApiKeys = deriveKeys(new Uint8Array(32).fill(7), "test");

export interface TestEngine {
  readonly engine: Engine;
  readonly time: VirtualTime;
  readonly table: GitHubTable;
  readonly double: GitHubSemantics;
  readonly store: Store;
  readonly events: ApiEvent[];
  /** A read or, with a body, a write, as `token`. */
  ask(path: string, token: string, more?: Partial<ApiRequest>): Promise<ApiAnswer & { readonly text: string }>;
}

export function testEngine(setup: EngineSetup = {}): TestEngine {
  const time = setup.time ?? new VirtualTime();
  const table = setup.table ?? new GitHubTable();
  const double = setup.double ?? new Semantics(table.origin, { now: () => time.clock.now(), ...setup.semantics });
  const store = setup.store ?? memoryStore(nodeHasher, 256 * 1024 * 1024);
  const events: ApiEvent[] = [];
  const plain = doubleUpstream(double);
  const engine = new Engine(
    {
      clock: time.clock,
      hasher: nodeHasher,
      random: systemRandom,
      upstream: setup.upstream?.(plain) ?? plain,
      sleep: time.sleep,
      onEvent: (event) => events.push(event),
    },
    store,
    setup.keys ?? TEST_KEYS,
    { ...DEFAULT_ENGINE, ...setup.options },
    setup.ruleFile === "none" ? undefined : (setup.ruleFile ?? PROVEN),
  );
  return {
    engine,
    time,
    table,
    double,
    store,
    events,
    async ask(path, token, more = {}) {
      const headers = { ...(token !== "" && { authorization: `token ${token}` }), ...more.headers };
      const answer = await engine.handle({ method: "GET", host: "api.github.com", path, ...more, headers });
      return { ...answer, headers: answer.headers, status: answer.status, text: await textOf(answer) };
    },
  };
}

export async function textOf({ body }: ApiAnswer): Promise<string> {
  if (body === undefined) return "";
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  return Buffer.concat(await body.toArray()).toString();
}
