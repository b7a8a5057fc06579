import { createHmac, generateKeyPairSync } from "node:crypto";
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { systemClock } from "../node/ports.ts";
import { AUDIENCE, type BrokerLab, brokerLab } from "../testing/broker-lab.ts";
import { labContext, newVersion, setCredentials, stoppingDisk } from "../testing/secrets-lab.ts";
import { inspectStore } from "../testing/secrets-store.ts";
import { readAuditLines } from "./audit-read.ts";
import { answeredValue, askHealth, askPut, askResolve } from "./broker-client.ts";
import type { ResolveReply } from "./broker-protocol.ts";
import { inSession } from "./session.ts";
import { startBroker } from "./broker.ts";
import { readCheckpoint } from "./checkpoint.ts";

const VALUE = "value-behind-the-broker";
const token = newVersion("TOKEN", VALUE);
const askWith = (
  lab: BrokerLab,
  jwt: string | undefined,
  names: readonly string[] = ["TOKEN"],
): Promise<ResolveReply> =>
  askResolve(lab.options.socket, { names, mode: "exec", ...(jwt !== undefined && { token: jwt }) });
const valueOf = (reply: ResolveReply): string | undefined => {
  const [answer] = reply.answers;
  return answer !== undefined && "value" in answer ? answeredValue(answer.value).toString() : answer?.denied;
};
const lastLine = (lab: BrokerLab) => [...readAuditLines(lab.folder)].at(-1);

test("a job with a token gets its value, its audit number and a checkpoint over a log that has the line", async () => {
  const lab = await brokerLab([token]);
  const reply = await askWith(lab, await lab.issuer.token());
  expect(valueOf(reply)).toBe(VALUE);
  const line = lastLine(lab);
  expect(line).toMatchObject({
    action: "resolve",
    assurance: "oidc",
    seq: reply.audit,
    actor: { repository: "acme/shop", repository_id: "456", run_id: "4711", ref: "refs/heads/main" },
    names: [{ name: "TOKEN", scope: "repo:456", version: 1 }],
  });
  const key = [...readAuditLines(lab.folder)][0]?.settings?.["checkpointKey"] ?? "";
  expect(readCheckpoint(reply.checkpoint ?? "", [key])?.size).toBe((line?.seq ?? 0) + 1);
  expect((await inspectStore(lab.folder)).problems).toEqual([]);
  expect(lab.broker.status()).toEqual({ opened: 1, denied: 0, expired: 0, stored: 0, active: 1, scopes: 1 });
});

describe("forged tokens", () => {
  type Forge = (lab: BrokerLab) => Promise<string>;
  const { privateKey: strange, publicKey: strangePublic } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const b64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = (): number => Math.floor(systemClock.now() / 1000);
  test.each<[string, RegExp, Forge]>([
    ["another audience", /"aud"/, (lab) => lab.issuer.token({ aud: "https://github.com/acme" })],
    ["two audiences", /more than one audience/, (lab) => lab.issuer.token({ aud: [AUDIENCE, "sts.amazonaws.com"] })],
    ["another issuer", /"iss"/, (lab) => lab.issuer.token({ iss: "https://token.actions.githubusercontent.com.evil" })],
    ["expired", /"exp"/, (lab) => lab.issuer.token({ exp: now() - 6 })],
    ["not valid yet", /"nbf"/, (lab) => lab.issuer.token({ nbf: now() + 60 })],
    ["too old, though it has not expired", /"iat"/, (lab) => lab.issuer.token({ iat: now() - 700, exp: now() + 9999 })],
    ["issued in the future", /"iat"/, (lab) => lab.issuer.token({ iat: now() + 60 })],
    [
      "signed by another key under the right id",
      /signature/,
      (lab) => new SignJWT(lab.issuer.claims()).setProtectedHeader({ alg: "RS256", kid: "key-1" }).sign(strange),
    ],
    ["an unknown key id", /unknown key/, (lab) => lab.issuer.token({}, { kid: "key-9" })],
    ["no key id", /names no key/, (lab) => lab.issuer.token({}, { kid: "" })],
    [
      "HS256 with the public key as secret",
      /algorithm/,
      (lab) => {
        const { n = "" } = lab.issuer.keySet().keys[0] ?? {};
        const text = `${b64({ alg: "HS256", kid: "key-1" })}.${b64(lab.issuer.claims())}`;
        return Promise.resolve(`${text}.${createHmac("sha256", n).update(text).digest("base64url")}`);
      },
    ],
    [
      "algorithm none",
      /algorithm/,
      (lab) => Promise.resolve(`${b64({ alg: "none", kid: "key-1" })}.${b64(lab.issuer.claims())}.`),
    ],
    [
      "PS256",
      /algorithm/,
      (lab) =>
        lab.issuer
          .token({}, { alg: "PS256" })
          .catch(() => `${b64({ alg: "PS256", kid: "key-1" })}.${b64(lab.issuer.claims())}.AAAA`),
    ],
    [
      "its own key in the header",
      /signature/,
      (lab) =>
        new SignJWT(lab.issuer.claims())
          .setProtectedHeader({ alg: "RS256", kid: "key-1", jwk: strangePublic.export({ format: "jwk" }) as object })
          .sign(strange),
    ],
    [
      "a critical extension",
      /extension/,
      (lab) =>
        Promise.resolve(
          `${b64({ alg: "RS256", kid: "key-1", crit: ["b64"], b64: true })}.${b64(lab.issuer.claims())}.AAAA`,
        ),
    ],
    ...[
      "exp",
      "iat",
      "jti",
      "repository",
      "repository_id",
      "repository_owner_id",
      "run_id",
      "workflow_ref",
      "event_name",
      "ref",
    ].map((name): [string, RegExp, Forge] => [
      `no claim ${name}`,
      new RegExp(name),
      (lab) => lab.issuer.token({ [name]: undefined }),
    ]),
    ["a repository id that is no number", /not a number/, (lab) => lab.issuer.token({ repository_id: "456 OR 1" })],
    [
      "a workflow_ref of two refs",
      /no single ref/,
      (lab) => lab.issuer.token({ workflow_ref: "acme/shop/a@refs/x@refs/heads/main" }),
    ],
    ["white space in the signature", /canonical/, async (lab) => `${await lab.issuer.token()}\n`],
    ["padding", /canonical/, async (lab) => `${await lab.issuer.token()}==`],
    [
      "another text of the same signature bits",
      /canonical/,
      async (lab) => `${(await lab.issuer.token()).slice(0, -1)}_`,
    ],
    [
      "a payload changed after signing",
      /signature/,
      async (lab) =>
        (await lab.issuer.token())
          .split(".")
          .with(1, b64(lab.issuer.claims({ repository_id: "457" })))
          .join("."),
    ],
    ["no token at all", /canonical/, () => Promise.resolve("x")],
    ["too long", /too long/, () => Promise.resolve("x".repeat(8193))],
  ])("%s: denied, with the reason in the log alone", async (_, why, forge) => {
    const lab = await brokerLab([token]);
    const reply = await askWith(lab, await forge(lab));
    expect(reply.answers).toEqual([{ name: "TOKEN", denied: "denied" }]);
    const line = lastLine(lab);
    expect(line).toMatchObject({ action: "refused", denied: ["token-invalid"], seq: reply.audit });
    expect(line?.detail).toMatch(why);
    expect(line?.actor).toBeUndefined();
    // The same broker still serves an honest job.
    expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe(VALUE);
  });
});

test("a token counts once, also when two requests race with it and after a restart", async () => {
  const lab = await brokerLab([token]);
  const jwt = await lab.issuer.token();
  const raced = await Promise.all([1, 2, 3, 4].map(() => askWith(lab, jwt)));
  expect(raced.map(valueOf).toSorted((a = "", b = "") => (a < b ? -1 : 1))).toEqual([
    "denied",
    "denied",
    "denied",
    VALUE,
  ]);
  expect(lastLine(lab)).toMatchObject({ denied: ["token-replayed"] });
  await lab.restart();
  expect(valueOf(await askWith(lab, jwt))).toBe("denied");
  const again = await lab.issuer.token({ jti: "jti-1" });
  expect(valueOf(await askWith(lab, again))).toBe("denied");
  expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe(VALUE);
});

test.each(["pull_request_target", "workflow_run", "issue_comment"])(
  "a job of %s gets nothing, whatever its ref",
  async (event) => {
    const lab = await brokerLab([token]);
    expect(valueOf(await askWith(lab, await lab.issuer.token({ event_name: event })))).toBe("denied");
    expect(lastLine(lab)?.names).toEqual([{ name: "TOKEN", denied: ["event-denied"], detail: `event=${event}` }]);
  },
);

test("another repository, an expired value and an unknown name are told apart in the log, not to the caller", async () => {
  const lab = await brokerLab([
    token,
    newVersion("OLD", "value-of-old", { notAfter: Math.floor(systemClock.now() / 1000) - 10 }),
  ]);
  const other = await askWith(
    lab,
    await lab.issuer.token({
      repository_id: "789",
      repository: "acme/evil",
      workflow_ref: "acme/evil/a.yml@refs/heads/x",
    }),
    ["TOKEN", "NOPE"],
  );
  expect(other.answers.map((a) => "denied" in a && a.denied)).toEqual(["denied", "denied"]);
  expect(lastLine(lab)?.names?.map((n) => n.denied)).toEqual([["scope-mismatch"], ["unknown-name"]]);
  const mixed = await askWith(lab, await lab.issuer.token(), ["TOKEN", "OLD"]);
  expect(mixed.answers.map((a) => ("denied" in a ? a.denied : a.version))).toEqual([1, "expired"]);
  expect(lab.broker.status()).toMatchObject({ opened: 1, denied: 3, expired: 1 });
});

test("without a token only credentials that allow `local` are given, and nothing in the request names a scope", async () => {
  const lab = await brokerLab([
    token,
    newVersion("LOCAL", "value-for-this-machine", {
      scope: { kind: "runner", id: "runner-7" },
      policy: { assurance: "local" },
    }),
    newVersion("LOCAL_REPO", "value-for-that-repo", { policy: { assurance: "local" } }),
    newVersion("GLOBAL", "value-for-everybody", { scope: { kind: "global", id: "" } }),
  ]);
  const reply = await askWith(lab, undefined, ["TOKEN", "LOCAL", "LOCAL_REPO", "GLOBAL"]);
  expect(reply.answers.map((a) => ("denied" in a ? a.denied : "given"))).toEqual([
    "denied",
    "given",
    "denied",
    "denied",
  ]);
  expect(lastLine(lab)).toMatchObject({ assurance: "local" });
  expect(lastLine(lab)?.names?.map((n) => n.denied?.[0])).toEqual([
    "scope-mismatch",
    undefined,
    "scope-mismatch",
    "assurance-too-low",
  ]);
});

test("keys of the issuer: cached, asked once for an unknown id, rotated, and no key is no answer", async () => {
  const lab = await brokerLab([token]);
  for (let i = 0; i < 5; i++) await askWith(lab, await lab.issuer.token());
  expect(lab.issuer.fetches()).toBe(1);
  for (let i = 0; i < 5; i++) await askWith(lab, await lab.issuer.token({}, { kid: `flood-${i}` }));
  expect(lab.issuer.fetches()).toBe(1);
  lab.issuer.fail(true);
  expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe(VALUE);

  const dead = await brokerLab([token]);
  dead.issuer.fail(true);
  const reply = await askWith(dead, await dead.issuer.token());
  expect(reply.answers).toEqual([{ name: "TOKEN", denied: "unavailable" }]);
  expect(lastLine(dead)).toMatchObject({ denied: ["key-unavailable"] });
});

test("offline: with the issuer's keys in a file the broker asks nobody", async () => {
  const lab = await brokerLab([token], () => ({ fetchKeySet: () => Promise.reject(new Error("unused")) }));
  const keys = JSON.stringify(lab.issuer.keySet());
  const offline = { ...lab.options, socket: `${lab.options.socket}.2`, fetchKeySet: () => Promise.resolve(keys) };
  const broker = await startBroker(offline);
  try {
    const reply = await askResolve(offline.socket, { names: ["TOKEN"], mode: "exec", token: await lab.issuer.token() });
    expect([valueOf(reply), lab.issuer.fetches()]).toEqual([VALUE, 0]);
  } finally {
    await broker.close();
  }
});

test("an audit line that cannot be written is a denial, and nothing was opened", async () => {
  const full = (): never => {
    throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
  };
  let disk = stoppingDisk(0, full);
  const lab = await brokerLab([token], ({ session }) => ({
    session: { ...session, disk: new Proxy(disk, { get: (_, name) => disk[name as keyof typeof disk] }) },
  }));
  // Effects of a resolve: open, write, sync, close. The second is the write.
  disk = stoppingDisk(2, full);
  const reply = await askWith(lab, await lab.issuer.token());
  expect([reply.audit, reply.answers]).toEqual([undefined, [{ name: "TOKEN", denied: "unavailable" }]]);
  expect(lab.broker.status().opened).toBe(0);
  disk = stoppingDisk(0, full);
  expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe(VALUE);
  expect((await inspectStore(lab.folder)).problems).toEqual([]);
});

test("a store that is damaged, rolled back or locked away while the broker runs gives nothing, and serves again once mended", async () => {
  const lab = await brokerLab([token]);
  const file = join(lab.folder, "credentials.json.enc");
  const older = readFileSync(file);
  await setCredentials(labContext(lab.folder), newVersion("SECOND", "second-value"));
  expect(valueOf(await askWith(lab, await lab.issuer.token(), ["SECOND"]))).toBe("second-value");
  const current = readFileSync(file);

  writeFileSync(file, older);
  expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe("unavailable");
  expect(lastLine(lab)).toMatchObject({ denied: ["store-rolled-back"] });
  writeFileSync(file, current.subarray(0, -1));
  expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe("unavailable");
  expect(lastLine(lab)).toMatchObject({ denied: ["store-damaged"] });
  writeFileSync(file, current);
  chmodSync(file, 0o644);
  expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe("unavailable");
  chmodSync(file, 0o600);
  expect(valueOf(await askWith(lab, await lab.issuer.token(), ["SECOND"]))).toBe("second-value");
  rmSync(file);
  expect(valueOf(await askWith(lab, await lab.issuer.token()))).toBe("unavailable");
});

test("a flood of denials is written 20 times a minute, then summed; grants are always written", async () => {
  const lab = await brokerLab([token]);
  for (let i = 0; i < 30; i++) await askWith(lab, "forged");
  const refusals = [...readAuditLines(lab.folder)].filter((line) => line.action === "refused");
  expect(refusals.length).toBe(20);
  for (let i = 0; i < 25; i++) await askWith(lab, await lab.issuer.token(), ["NOPE"]);
  expect([...readAuditLines(lab.folder)].filter((line) => line.action === "resolve").length).toBe(20);
  const reply = await askWith(lab, await lab.issuer.token());
  expect([valueOf(reply), lastLine(lab)?.seq]).toEqual([VALUE, reply.audit]);
});

describe("put", () => {
  const put = async (
    lab: BrokerLab,
    entry: Partial<{ name: string; value: string; scope: string; ttlSeconds: number }>,
    claims = {},
  ) => {
    const { name = "MINE", value = "value-of-a-job", scope = "repo", ttlSeconds = 3600 } = entry;
    const reply = await askPut(lab.options.socket, {
      token: await lab.issuer.token(claims),
      credentials: [{ name, value: Buffer.from(value), scope, ttlSeconds }],
    });
    return reply.stored[0];
  };

  test("a job stores into its own repository, workflow and this runner, and reads it back", async () => {
    const lab = await brokerLab([token]);
    for (const scope of ["repo", "repo:456", "workflow:456:.github/workflows/deploy.yml", "runner:runner-7"])
      expect(await put(lab, { name: `IN_${scope.length}`, scope })).toMatchObject({
        version: expect.any(Number) as number,
      });
    expect(valueOf(await askWith(lab, await lab.issuer.token(), ["IN_4"]))).toBe("value-of-a-job");
    expect((await inspectStore(lab.folder)).problems).toEqual([]);
  });

  test.each<[{ name?: string; value?: string; scope?: string; ttlSeconds?: number }]>([
    [{ scope: "global" }],
    [{ scope: "owner:123" }],
    [{ scope: "repo:457" }],
    [{ scope: "workflow:457:a.yml" }],
    [{ scope: "environment:456:production" }],
    [{ scope: "runner:label:gpu" }],
    [{ scope: "nonsense" }],
    [{ name: "LD_PRELOAD" }],
    [{ name: "A=B" }],
    [{ value: "short" }],
    [{ value: "nul\0nul\0nul" }],
    [{ ttlSeconds: 0 }],
    [{ ttlSeconds: -1 }],
    [{ ttlSeconds: 86_401 }],
  ])("a job does not store %j", async (entry) => {
    const lab = await brokerLab([token]);
    expect(await put(lab, entry)).toEqual({ name: entry.name ?? "MINE", denied: "denied" });
    expect((await inspectStore(lab.folder)).opened.state.versions.length).toBe(1);
  });

  test("a job may not replace what it may not have: a branch cannot plant the token that main deploys with", async () => {
    const lab = await brokerLab([newVersion("TOKEN", VALUE, { policy: { if: { ref: "refs/heads/main" } } })]);
    expect(await put(lab, { name: "TOKEN" }, { ref: "refs/heads/x" })).toEqual({ name: "TOKEN", denied: "denied" });
    expect(await put(lab, { name: "TOKEN" })).toEqual({ name: "TOKEN", version: 2 });
    const { opened } = await inspectStore(lab.folder);
    expect(opened.state.versions.map((v) => v.policy)).toEqual([
      { if: { ref: "refs/heads/main" } },
      { if: { ref: "refs/heads/main" } },
    ]);
  });

  test("secrets.allow-put opens further scopes, for that repository alone", async () => {
    const allow = new Map([["456", ["owner:123"]]]);
    const lab = await brokerLab([token], ({ put: rules }) => ({ put: { ...rules, allow } }));
    expect(await put(lab, { scope: "owner:123" })).toEqual({ name: "MINE", version: 1 });
    expect(await put(lab, { name: "B", scope: "owner:123" }, { repository_id: "9" })).toEqual({
      name: "B",
      denied: "denied",
    });
  });
});

describe("requests that are no requests", () => {
  const raw = (lab: BrokerLab, method: string, path: string, body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const call = request({ socketPath: lab.options.socket, method, path }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      call.once("error", reject);
      call.end(body);
    });
  test.each([
    ["", 400],
    ["{", 400],
    ["[]", 400],
    ['{"v":2,"names":["A"],"mode":"exec","nonce":"n"}', 400],
    ['{"v":1,"names":[],"mode":"exec","nonce":"n"}', 400],
    ['{"v":1,"names":["A","A"],"mode":"exec","nonce":"n"}', 400],
    [`{"v":1,"names":${JSON.stringify(Array.from({ length: 33 }, (_, i) => `A${i}`))},"mode":"exec","nonce":"n"}`, 400],
    ['{"v":1,"names":["A"],"mode":"all","nonce":"n"}', 400],
    ['{"v":1,"names":["A"],"mode":"exec","nonce":"n","scope":"global"}', 400],
    ['{"v":1,"names":["A"],"mode":"exec","nonce":"n","token":7}', 400],
    [`{"v":1,"names":["${"A".repeat(65_536)}"],"mode":"exec","nonce":"n"}`, 413],
  ])("%.60s is %i", async (body, status) => {
    const lab = await brokerLab([token]);
    const before = lastLine(lab)?.seq;
    expect(await raw(lab, "POST", "/v1/resolve", body)).toBe(status);
    expect(lastLine(lab)?.seq).toBe(before);
  });

  test("other paths are 404, and health says only who it is", async () => {
    const lab = await brokerLab([token]);
    expect(await raw(lab, "GET", "/v1/resolve", "")).toBe(404);
    expect(await raw(lab, "POST", "/v2/resolve", "")).toBe(404);
    expect(await askHealth(lab.options.socket)).toEqual({ v: 1, id: "runner-7", audience: AUDIENCE });
    expect(await askHealth(`${lab.options.socket}.gone`)).toBeUndefined();
  });
});

test("the socket is its owner's alone, or its group's; a second broker on it is refused", async () => {
  const lab = await brokerLab([token]);
  expect(statSync(lab.options.socket).mode & 0o777).toBe(0o600);
  await expect(startBroker(lab.options)).rejects.toMatchObject({ code: "E_LOCKED" });
  const gid = process.getgid?.() ?? 0;
  const grouped = await startBroker({ ...lab.options, socket: join(lab.folder, "sub", "b.sock"), gid });
  expect([statSync(grouped.socket).mode & 0o777, statSync(join(lab.folder, "sub")).mode & 0o777]).toEqual([
    0o660, 0o750,
  ]);
  await grouped.close();
});

test("a broker does not start without its key: it would deny everything", async () => {
  const lab = await brokerLab([token]);
  await lab.broker.close();
  rmSync(join(lab.folder, ".master_key.k1"));
  await expect(startBroker(lab.options)).rejects.toMatchObject({ code: "E_KEY" });
  await expect(inSession(labContext(lab.folder), (session) => session.open())).rejects.toMatchObject({ code: "E_KEY" });
});
