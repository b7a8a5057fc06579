// What a new master key costs: `foregone secrets rotate-master` of a full store, whole process: every data key wrapped anew,
// every version opened again from what was written. Baselines in the same run: a bare start of Node; as many bare seals and
// opens as there are versions, twice, by node:crypto.
//   npm run bench -- secrets-rotate-master [--credentials 10000] [--runs 5]
import { spawnSync } from "node:child_process";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createStore } from "../src/secrets/create.ts";
import { inSession, STORE_FILE } from "../src/secrets/session.ts";
import { labContext, newVersion, setCredentials } from "../src/testing/secrets-lab.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    credentials: { type: "string", default: "10000" },
    runs: { type: "string", default: "5" },
    out: { type: "string" },
  },
});
const [credentials, runs] = [Number(values.credentials), Number(values.runs)];
const scratch = mkdtempSync(join(tmpdir(), "foregone-rotate-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const folder = join(scratch, "store");
await createStore(labContext(folder), { provider: "file" });
const from = performance.now();
await setCredentials(
  labContext(folder),
  ...Array.from({ length: credentials }, (_, i) =>
    newVersion(`TOKEN_${i}`, `value-of-token-${i}`, { scope: { kind: "repo", id: String(1 + (i % 100)) } }),
  ),
);
const setMs = Math.round(performance.now() - from);

const env = { PATH: process.env["PATH"] ?? "", HOME: scratch, FOREGONE_CREDENTIALS_DIR: folder };
const start = (argv: readonly string[]): number => {
  const at = performance.now();
  const { status, stderr } = spawnSync(process.execPath, argv, { env, cwd: scratch, encoding: "utf8" });
  if (status !== 0) throw new Error(`${status} ${stderr}`);
  return performance.now() - at;
};
const bare = (): number => {
  const [key, text] = [randomBytes(32), randomBytes(32)];
  const at = performance.now();
  for (let i = 0; i < 2 * credentials; i++) {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAuthTag(cipher.getAuthTag());
    Buffer.concat([decipher.update(sealed), decipher.final()]);
  }
  return performance.now() - at;
};
const times: Record<string, number[]> = { node: [], "bare seals": [], "rotate-master": [] };
for (let i = 0; i < runs; i++) {
  times["node"]?.push(start(["-e", "0"]));
  times["bare seals"]?.push(bare());
  times["rotate-master"]?.push(start([join(process.cwd(), "bin/foregone"), "secrets", "rotate-master"]));
}
const { state } = await inSession(labContext(folder), (session) => session.open());
if (state.versions.length !== credentials || state.keys.length !== runs + 1) throw new Error("it did not rotate");
const medianMs = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, Math.round(median(list))]));
const result = {
  credentials,
  scopes: 100,
  runs,
  storeBytes: statSync(join(folder, STORE_FILE)).size,
  medianMs,
  ofBareSeals: Math.round((10 * (medianMs["rotate-master"] ?? 0)) / (medianMs["bare seals"] ?? 1)) / 10,
  setAllMs: setMs,
  ...machine(),
};
const text = `${JSON.stringify(result, undefined, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
