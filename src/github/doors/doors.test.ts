// What doors add to the engine: certificates, addresses, indenting, webhooks, an account of what was done.
import { createHmac, X509Certificate } from "node:crypto";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeHasher, systemRandom } from "../../node/ports.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import { testProxy } from "../../testing/github-proxy.ts";
import { makeLeaf } from "./leaf.ts";
import { type Presented, Presenter } from "./present.ts";
import { Webhooks } from "./webhook.ts";

test("the leaf speaks for the API hosts, for a day, and for nobody else; openssl finds nothing wrong with it", () => {
  const now = Date.UTC(2026, 5, 1);
  const leaf = makeLeaf(["api.github.com", "ghe.example.org"], now, systemRandom);
  const certificate = new X509Certificate(leaf.certificate);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkHost("api.github.com")).toBe("api.github.com");
  expect(certificate.checkHost("ghe.example.org")).toBe("ghe.example.org");
  expect(certificate.checkHost("github.com")).toBeUndefined();
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(new Date(certificate.validTo).getTime() - now).toBe(24 * 3_600_000);
  const file = join(temporaryFolder(), "leaf.pem");
  writeFileSync(file, leaf.certificate);
  const at = String(now / 1000 + 3600);
  const { stdout, stderr } = spawnSync("openssl", [
    "verify",
    "-x509_strict",
    "-attime",
    at,
    "-purpose",
    "sslserver",
    "-verify_hostname",
    "api.github.com",
    "-CAfile",
    file,
    file,
  ]);
  expect(Buffer.concat([stdout, stderr]).toString()).toContain("OK");
});

const ANSWER = {
  status: 200,
  headers: {
    "content-type": "application/json; charset=utf-8",
    etag: '"up"',
    link: '<https://api.github.com/x?page=2>; rel="next"',
  },
  mode: "FRESH",
  why: "lease",
  ttlS: 3,
  body: Buffer.from('{"url":"https://api.github.com/x","id":12345678901234567890}'),
} as const;
/** A Headers object knows what a list of names and values means. */
function headersOf({ fields }: Presented): Headers {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i] ?? "", fields[i + 1] ?? "");
  return headers;
}

function textOf({ body }: Presented): string {
  return body instanceof Uint8Array ? Buffer.from(body).toString() : "";
}

const REWRITING = { from: "https://api.github.com", to: "http://127.0.0.1:1" };

test("the base-URL door shows its own tag for its own bytes, and answers it", () => {
  const presenter = new Presenter(nodeHasher);
  const shown = presenter.present(ANSWER, {}, REWRITING);
  expect(textOf(shown)).toBe('{"url":"http://127.0.0.1:1/x","id":12345678901234567890}');
  const headers = headersOf(shown);
  expect(headers.get("link")).toBe('<http://127.0.0.1:1/x?page=2>; rel="next"');
  expect([headers.get("cache-status"), headers.get("x-cache-mode")]).toEqual(["Foregone; hit; ttl=3", "FRESH"]);
  const etag = headers.get("etag") ?? "";
  expect(etag).toMatch(/^"fg-[0-9a-f]{64}"$/);
  expect(presenter.present(ANSWER, { "if-none-match": etag }, REWRITING)).toMatchObject({
    status: 304,
    body: undefined,
  });
  expect(presenter.present(ANSWER, { "if-none-match": '"up"' }, REWRITING)).toMatchObject({ status: 200 });
});

test("people get indented JSON, programs do not", () => {
  const presenter = new Presenter(nodeHasher);
  expect(textOf(presenter.present(ANSWER, { "user-agent": "curl/8" }, undefined))).toContain(
    '{\n  "url": "https://api.github.com/x",\n',
  );
  expect(presenter.present(ANSWER, { "user-agent": "octokit" }, undefined).body).toBe(ANSWER.body);
});

test("webhooks: signed ones end leases, once; unsigned, wrongly signed and unexpected ones end nothing", () => {
  const hooks = new Webhooks("s3cret");
  const body = Buffer.from('{"repository":{"full_name":"O/R"},"organization":{"login":"O"}}');
  const signed = (secret: string, bytes: Buffer, delivery = "1"): Record<string, string> => ({
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(bytes).digest("hex")}`,
    "x-github-delivery": delivery,
  });
  expect(hooks.judge({}, body)).toMatchObject({ kind: "refused" });
  expect(hooks.judge(signed("other", body), body)).toMatchObject({ kind: "refused" });
  expect(hooks.judge(signed("s3cret", Buffer.from("x")), body)).toMatchObject({ kind: "refused" });
  expect(hooks.judge(signed("s3cret", body), body)).toEqual({
    kind: "accepted",
    invalidates: { owner: "o", repo: "r" },
  });
  expect(hooks.judge(signed("s3cret", body), body)).toEqual({ kind: "repeated" });
  const bare = Buffer.from("{}");
  expect(hooks.judge(signed("s3cret", bare, "2"), bare)).toEqual({ kind: "accepted", invalidates: {} });
  expect(new Webhooks(undefined).judge(signed("", body), body)).toMatchObject({ kind: "refused" });
});

test("a webhook to the base-URL door ends a lease", async () => {
  await using t = await testProxy({ proxy: { webhookSecret: "s3cret" } });
  t.table.set("/repos/o/r", { v: 1 });
  const read = (): Promise<Response> => fetch(`${t.apiUrl}/repos/o/r`, { headers: { authorization: "token a" } });
  await read();
  expect((await read()).headers.get("x-cache-mode")).toBe("FRESH");
  const body = '{"repository":{"full_name":"o/r"}}';
  const signature = `sha256=${createHmac("sha256", "s3cret").update(body).digest("hex")}`;
  const hook = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${t.apiUrl}/_foregone/webhook`, { method: "POST", body, headers });
  expect((await hook({ "x-hub-signature-256": "sha256=00" })).status).toBe(401);
  expect((await read()).headers.get("x-cache-mode")).toBe("FRESH");
  expect((await hook({ "x-hub-signature-256": signature })).status).toBe(202);
  expect((await read()).headers.get("x-cache-mode")).toBe("REVALIDATED");
});
