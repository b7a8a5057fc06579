// emulate (Apache-2.0), an emulator of GitHub that others wrote, behind our double's tags and limits: real resources, real
// rights, real pages, through the real doors.
import { Octokit } from "@octokit/rest";
import { createEmulator } from "emulate";
import { expect, onTestFinished, test } from "vitest";
import { DEFAULT_ENGINE } from "../../src/github/engine.ts";
import type { DoubleRequest, DoubleResponse, Origin } from "../../src/testing/github-semantics.ts";
import { testProxy } from "../../src/testing/github-proxy.ts";

/** Forwards to the emulator, which knows neither tags nor compression. */
function originAt(url: string): Origin {
  return async ({ method, path, headers, body }: DoubleRequest): Promise<DoubleResponse> => {
    const kept = Object.fromEntries(
      Object.entries(headers).filter(([name]) => ["authorization", "accept", "content-type"].includes(name)),
    );
    const response = await fetch(url + path, { method, headers: kept, ...(body.length > 0 && { body }) });
    const link = response.headers.get("link");
    const genuine = (text: string): string => text.replaceAll(url, "https://api.github.com");
    return {
      status: response.status,
      headers: {
        "content-type": response.headers.get("content-type") ?? "",
        ...(link !== null && { link: genuine(link) }),
      },
      body: Buffer.from(genuine(await response.text())),
    };
  };
}

test("issues are made, listed over three pages, read again, and hidden from who may not see them", async () => {
  const emulator = await createEmulator({
    service: "github",
    port: 0,
    seed: {
      tokens: { owner_token: { login: "octo", scopes: ["repo"] }, other_token: { login: "other", scopes: ["repo"] } },
      github: {
        users: [{ login: "octo" }, { login: "other" }],
        repos: [
          { owner: "octo", name: "open" },
          { owner: "octo", name: "closed", private: true },
        ],
      },
    },
  });
  onTestFinished(() => emulator.close());
  // 25 writes at once are more than GitHub likes; the pace has its own test.
  const throttle = { ...DEFAULT_ENGINE.throttle, writeBurst: 100 };
  await using t = await testProxy({ origin: () => originAt(emulator.url), engine: { throttle } });
  const owner = new Octokit({ auth: "owner_token", baseUrl: t.apiUrl });
  const other = new Octokit({
    auth: "other_token",
    baseUrl: t.apiUrl,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });
  const repo = { owner: "octo", repo: "open" };

  for (let i = 1; i <= 25; i++) await owner.rest.issues.create({ ...repo, title: `issue ${i}` });
  const titles = async (octokit: Octokit): Promise<string[]> =>
    (await octokit.paginate(octokit.rest.issues.listForRepo, { ...repo, per_page: 10, direction: "asc" })).map(
      (issue) => issue.title,
    );
  const first = await titles(owner);
  expect(first).toHaveLength(25);
  const paid = t.double.paid;
  expect(await titles(other)).toEqual(first);
  expect(t.double.paid).toBe(paid);

  await owner.rest.issues.update({ ...repo, issue_number: 1, title: "changed" });
  expect((await owner.rest.issues.get({ ...repo, issue_number: 1 })).data.title).toBe("changed");
  expect(await titles(owner)).toContain("changed");

  const hidden = { owner: "octo", repo: "closed" };
  expect((await owner.rest.repos.get(hidden)).data.private).toBe(true);
  await expect(other.rest.repos.get(hidden)).rejects.toMatchObject({ status: 403 });
  expect(t.bugs).toEqual([]);
});
