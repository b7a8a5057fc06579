// One machine of a fleet as a process of its own: API proxy over a disk over peers, as the agent puts them together. Told what to do
// line by line: `read PATH`, `peers`, `put TEXT`, `get DIGEST`; each answered by one line of JSON.
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { DEFAULT_ENGINE } from "../github/engine.ts";
import { startApiProxy } from "../github/proxy.ts";
import { deriveKeys } from "../github/seal.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import { Discovery } from "../peers/discovery.ts";
import { DEFAULT_LIMITS } from "../peers/mesh-options.ts";
import { meshKey } from "../peers/mesh-key.ts";
import { openPeer } from "../peers/open.ts";
import { sameHost } from "../peers/registry/same-host.ts";
import type { Digest } from "../core/digest.ts";
import { diskStore } from "../store/disk.ts";
import { openFolder } from "../store/folder.ts";
import { layered } from "../store/layers.ts";
import { PROVEN } from "./github-engine.ts";

const [folder = "", runtime = "", origin = "", token = ""] = process.argv.slice(2);
const network = "github.com/acme/demo";
const keys = [meshKey(Buffer.alloc(32, 7), 1, network)] as const;
const ports = { clock: systemClock, hasher: nodeHasher, random: systemRandom };

const peer = await openPeer({
  network,
  keys,
  rootKeys: [],
  limits: { ...DEFAULT_LIMITS, ringAfterMs: 0 },
  clock: systemClock,
  agent: "test",
  announce: [],
  allow: new Set(),
  block: new Set(),
  onEvent: () => undefined,
  seed: randomBytes(32),
  interfaces: ["127.0.0.1"],
  ports: [0],
  waits: true,
  // Many processes on few cores: a budget of milliseconds would measure the machine.
  budgetMs: 3000,
  writer: () => undefined,
});
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const discovery = new Discovery(peer.mesh, {
  registries: [sameHost({ files: nodeStoreFiles, folder: runtime, network, keys, pid: process.pid, isAlive })],
  intervalMs: 500,
  enough: 1000,
});
await discovery.start();
const store = openFolder({ ...ports, files: nodeStoreFiles }, folder);
const proxy = await startApiProxy({
  ports,
  doors: { baseUrlPort: 0 },
  keys: { keys: deriveKeys(Buffer.alloc(32, 9), ""), renew: () => deriveKeys(randomBytes(32), "") },
  store: layered({
    disk: diskStore(store),
    far: [{ store: peer.api, bounds: { deadlineMs: 4000, maxBytes: 1 << 24, maxFailures: 3, restMs: 1000 } }],
    ...ports,
    onEvent: () => undefined,
  }),
  fleet: peer.api,
  ruleFile: PROVEN,
  engine: DEFAULT_ENGINE,
  upstream: { origins: { "api.github.com": origin } },
});

const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
say({ listening: peer.listening, apiUrl: proxy.apiUrl });

async function answerTo(line: string): Promise<unknown> {
  const [what = "", operand = ""] = line.split(" ");
  if (what === "peers") return { ring: peer.mesh.ringSize, counts: peer.getter.counts };
  if (what === "put") return { digest: await peer.store.blobs.put(Buffer.from(operand)) };
  if (what === "get") {
    const bytes = await peer.store.blobs.get(operand as Digest);
    return { text: bytes === undefined ? null : Buffer.from(bytes).toString() };
  }
  const response = await fetch(`${proxy.apiUrl}${operand}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.text() };
}

for await (const line of createInterface({ input: process.stdin })) {
  // One answer a line, in order; many may be asked at once by different lines only after the one before.
  say(await answerTo(line).catch((error: unknown) => ({ error: String(error) })));
}
await peer.stop();
await proxy.close(0);
process.exit(0);
