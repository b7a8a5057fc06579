// The processes that are measured, each chosen by a role.
import http from "node:http";
import { join } from "node:path";
import { quick } from "../../src/cli/api/open.ts";
import { startApiProxy } from "../../src/github/proxy.ts";
import { passingKeys } from "../../src/github/state.ts";
import { growSlowly } from "../../src/node/heap.ts";
import { systemRandom } from "../../src/node/ports.ts";
import { diskStore } from "../../src/store/disk.ts";
import { openFolder } from "../../src/store/folder.ts";
import { diskEffects } from "../../src/testing/disk-effects.ts";
import { PROVEN } from "../../src/testing/github-engine.ts";
import { GitHubSemantics } from "../../src/testing/github-semantics.ts";
import { serveDouble } from "../../src/testing/github-server.ts";
import { BODY, OPTIONS, ports } from "./times.ts";

export interface Role {
  readonly role: string;
  /** Origin of the double of GitHub. */
  readonly upstream: string;
  readonly folder: string;
}

function say(message: unknown): void {
  process.send?.(message as object);
}

export async function serveRole({ role, upstream, folder: scratch }: Role): Promise<void> {
  process.on("message", () => say({ cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000 }));
  switch (role) {
    case "bare": {
      const server = http.createServer((_request, response) => {
        response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": BODY.length });
        response.end(BODY);
      });
      server.listen(0, "127.0.0.1", () => say({ port: (server.address() as { port: number }).port }));
      return;
    }
    case "bare-socket": {
      const path = join(scratch, "bare.sock");
      http
        .createServer((_request, response) => {
          response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": BODY.length });
          response.end(BODY);
        })
        .listen(path, () => say({ path }));
      return;
    }
    case "double": {
      const body = (path: string): Buffer =>
        path.includes("/entry/") ? Buffer.from(JSON.stringify({ path, pad: "x".repeat(3900) })) : BODY;
      const headers = { "content-type": "application/json; charset=utf-8" };
      const semantics = new GitHubSemantics(({ path }) => ({ status: 200, headers, body: body(path) }), {
        limit: 1e12,
      });
      // A log of a million calls is not what is measured.
      const { origin } = await serveDouble({
        handle(request) {
          semantics.log.splice(0);
          return semantics.handle(request);
        },
      });
      say({ origin });
      return;
    }
    case "proxy": {
      growSlowly();
      const folder = openFolder(diskEffects, join(scratch, "store"));
      const path = join(scratch, "api.sock");
      const proxy = await startApiProxy({
        ports,
        doors: { baseUrlPort: 0, socket: path },
        keys: passingKeys(systemRandom),
        store: diskStore(quick(folder)),
        ruleFile: PROVEN,
        engine: {
          ...OPTIONS,
          reads: {
            ...OPTIONS.reads,
            leases: { ...OPTIONS.reads.leases, lease: { status: 2, default: 300, metadata: 300, immutable: 3600 } },
          },
        },
        upstream: { origins: { "api.github.com": upstream } },
      });
      say({ port: Number(new URL(proxy.apiUrl ?? "").port), path });
      return;
    }
    default:
      throw new TypeError(`no role ${role}`);
  }
}
