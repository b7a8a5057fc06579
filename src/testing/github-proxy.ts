// The real proxy in front of the double, both on loopback, with a store in a temporary folder.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiEvent } from "../github/effects.ts";
import { DEFAULT_ENGINE, type EngineOptions } from "../github/engine.ts";
import { type ApiProxy, type ApiProxyOptions, startApiProxy } from "../github/proxy.ts";
import { keySource, ruleFile } from "../github/state.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import { diskStore } from "../store/disk.ts";
import { openFolder } from "../store/folder.ts";
import { GitHubSemantics, type Origin, type SemanticsOptions } from "./github-semantics.ts";
import { type DoubleServer, serveDouble } from "./github-server.ts";
import { GitHubTable } from "./github-table.ts";
import { PROVEN } from "./github-engine.ts";

export interface TestProxy extends AsyncDisposable {
  readonly proxy: ApiProxy;
  readonly double: GitHubSemantics;
  readonly server: DoubleServer;
  readonly table: GitHubTable;
  readonly folder: string;
  readonly socket: string;
  readonly apiUrl: string;
  readonly events: ApiEvent[];
  readonly bugs: unknown[];
}

export interface TestProxySetup {
  readonly origin?: (table: GitHubTable) => Origin;
  readonly semantics?: Partial<SemanticsOptions>;
  readonly engine?: Partial<EngineOptions>;
  readonly proxy?: Partial<ApiProxyOptions>;
  /** Keeps it when the test ends. */
  readonly folder?: string;
}

export async function testProxy(setup: TestProxySetup = {}): Promise<TestProxy> {
  const folder = setup.folder ?? mkdtempSync(join(tmpdir(), "foregone-api-"));
  const table = new GitHubTable();
  const double = new GitHubSemantics(setup.origin?.(table) ?? table.origin, setup.semantics);
  const server = await serveDouble(double);
  const ports = { clock: systemClock, hasher: nodeHasher, random: systemRandom };
  const store = openFolder({ ...ports, files: nodeStoreFiles }, join(folder, "store"));
  const socket = join(folder, "s", "api.sock");
  const events: ApiEvent[] = [];
  const bugs: unknown[] = [];
  const proxy = await startApiProxy({
    ports,
    doors: { socket, baseUrlPort: 0, proxyPort: 0 },
    keys: keySource(store, systemRandom),
    store: diskStore(store),
    ruleFile: setup.folder === undefined ? PROVEN : ruleFile(store, systemRandom),
    engine: { ...DEFAULT_ENGINE, ...setup.engine },
    upstream: {
      origins: { "api.github.com": server.origin, "uploads.github.com": server.origin, "github.com": server.origin },
    },
    onEvent: (event) => events.push(event),
    onBug: (error) => bugs.push(error),
    ...setup.proxy,
  });
  return {
    proxy,
    double,
    server,
    table,
    folder,
    socket,
    apiUrl: proxy.apiUrl ?? "",
    events,
    bugs,
    async [Symbol.asyncDispose]() {
      await proxy.close(0);
      await server.close();
      if (setup.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
