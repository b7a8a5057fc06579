import { readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemRandom } from "../node/ports.ts";
import { labContext, newVersion, setCredentials } from "../testing/secrets-lab.ts";
import { labStore } from "../testing/secrets-store.ts";
import { readAuditLines } from "./audit-read.ts";
import type { StoredVersion } from "./model.ts";
import { resolveNames } from "./resolve.ts";
import { inSession, STORE_FILE } from "./session.ts";
import { encodeStore } from "./store-file.ts";
import { explainFault } from "./tamper.ts";
import { openValue } from "./values.ts";

const rules = { denyEvents: [], allowToken: false, runner: { id: "r", labels: [] } };

// The forger has the master key of the file, so that its MAC is right: what is left to stop him is the seal of the version.
test.each<[string, (v: StoredVersion, other: StoredVersion) => Partial<StoredVersion>]>([
  ["renamed", () => ({ name: "OTHER" })],
  ["re-scoped", () => ({ scope: { kind: "global", id: "" } })],
  ["expiry-changed", () => ({ notAfter: 4_000_000_000 })],
  ["start-changed", () => ({ notBefore: 1 })],
  ["version-changed", () => ({ version: 7 })],
  ["policy-changed", () => ({ policy: { assurance: "local" } })],
  ["swapped", (_, other) => ({ wrap: other.wrap, value: other.value })],
  ["value-replaced", (_, other) => ({ value: other.value })],
  ["cut-short", (v) => ({ wrap: v.wrap.subarray(0, 50) })],
  ["cut-short", (v) => ({ value: v.value.subarray(0, 27) })],
  ["short-tag", (v) => ({ value: v.value.subarray(0, -1) })],
  ["short-tag", (v) => ({ value: v.value.subarray(0, -4) })],
  ["short-tag", (v) => ({ value: v.value.subarray(0, -12) })],
  ["value-replaced", (v) => ({ value: v.value.subarray(0, -5) })],
  ["altered", (v) => ({ wrap: Buffer.from(v.wrap).fill(1, 20, 21) })],
])("a version that was %s does not open, and the reason is found", async (kind, edit) => {
  const folder = await labStore(
    newVersion("TOKEN", "value-of-token", { notAfter: 3_000_000_000, policy: { modes: ["exec"] } }),
    newVersion("SECOND", "value-of-second", { notAfter: 3_500_000_000 }),
  );
  const context = labContext(folder);
  const { state, master } = await inSession(context, (session) => session.open());
  const [token, second] = state.versions;
  if (token === undefined || second === undefined) throw new TypeError("two versions");
  const forged = { ...token, ...edit(token, second) };
  const bytes = encodeStore(systemRandom, master, {
    ...state,
    generation: state.generation + 1,
    versions: [forged, second],
  });
  // Announced and confirmed in the log, as one who holds the chain's next key can.
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await inSession(context, async (session) =>
    session.append({ action: "done", store: { generation: state.generation + 1, sha256 } }),
  );
  writeFileSync(join(folder, STORE_FILE), bytes);

  const opened = await inSession(context, (session) => session.open());
  const [found] = opened.state.versions.filter((v) => v.name === forged.name);
  if (found === undefined) throw new TypeError("not found");
  expect(() => openValue(opened.state, master, found)).toThrow("does not open");
  const history = [...readAuditLines(folder)].flatMap((line) => line.names ?? []);
  expect(explainFault(opened.state, master, found, history).kind).toBe(kind);

  const { answers } = await inSession(context, async (session) =>
    resolveNames(session, opened, {
      action: "get",
      names: [forged.name],
      mode: undefined,
      caller: { assurance: "owner", claims: {}, scope: forged.scope },
      rules,
      actor: {},
    }),
  );
  expect(answers).toMatchObject([{ denied: "unavailable", reasons: ["store-damaged"] }]);
  const last = [...readAuditLines(folder)].at(-1);
  expect(last).toMatchObject({ action: "refused", names: [{ denied: ["store-damaged"] }] });
  expect(last?.names?.[0]?.detail).toContain(kind);
});

test("a store put back, edited or without its key are three different errors", async () => {
  const folder = await labStore(newVersion("TOKEN", "value-of-token"));
  const file = join(folder, STORE_FILE);
  const older = readFileSync(file);
  await setCredentials(labContext(folder), newVersion("SECOND", "value-of-second"));
  const current = readFileSync(file);
  const code = (): Promise<string> =>
    inSession(labContext(folder), (session) => session.open()).then(
      () => "none",
      (error: { code: string }) => error.code,
    );
  writeFileSync(file, older);
  expect(await code()).toBe("E_ROLLED_BACK");
  writeFileSync(file, Buffer.from(current.toString("latin1").replace('"generation":3', '"generation":9'), "latin1"));
  expect(await code()).toBe("E_DAMAGED");
  writeFileSync(file, current);
  const key = join(folder, ".master_key.k1");
  const text = readFileSync(key);
  writeFileSync(key, `foregone-master-key/1 kid=k1 ${Buffer.alloc(32, 3).toString("base64")}\n`);
  expect(await code()).toBe("E_KEY");
  writeFileSync(key, text);
  expect(await code()).toBe("none");
});
