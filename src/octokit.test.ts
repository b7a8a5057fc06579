import { Octokit } from "@octokit/rest";
import { expect, test } from "vitest";
import { createFetch, foregoneWith } from "./octokit.ts";
import { type TestProxy, testProxy } from "./testing/github-proxy.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

function fill({ table }: TestProxy): void {
  table.set("/repos/o/r", { full_name: "o/r", description: "before", url: "https://api.github.com/repos/o/r" });
  table.set(
    "/repos/o/r/labels",
    Array.from({ length: 70 }, (_, id) => ({ id, name: `label-${id}` })),
  );
}

/** In this process, or through a running proxy: the same either way. */
const WAYS = {
  "in this process": (t: TestProxy) => ({
    origins: { "api.github.com": t.server.origin },
    env: { HOME: temporaryFolder() },
  }),
  "through the socket": (t: TestProxy) => ({ socket: t.socket, env: { HOME: temporaryFolder() } }),
};

test.each(Object.entries(WAYS))(
  "an Octokit with the plugin, %s: pages, a write, its own write read again, a hit",
  async (_name, way) => {
    await using t = await testProxy();
    fill(t);
    const octokit = new (Octokit.plugin(foregoneWith(way(t))))({ auth: "ghp_test" });
    const repo = { owner: "o", repo: "r" };
    for (const _ of [1, 2])
      expect(await octokit.paginate(octokit.rest.issues.listLabelsForRepo, { ...repo, per_page: 30 })).toHaveLength(70);
    expect(t.double.log.filter((entry) => entry.path.includes("labels"))).toHaveLength(3);
    const read = await octokit.rest.repos.get(repo);
    expect([read.data.description, read.url]).toEqual(["before", "https://api.github.com/repos/o/r"]);
    await octokit.rest.repos.update({ ...repo, description: "after" });
    expect((await octokit.rest.repos.get(repo)).data.description).toBe("after");
  },
);

test("fetch: redirects are followed, without the credential to another origin; other hosts go the usual way", async () => {
  await using t = await testProxy({
    semantics: {
      intercept: (request) => {
        if (request.path === "/repos/old/r")
          return { status: 301, headers: { location: "https://api.github.com/repos/o/r" }, body: Buffer.from("{}") };
        if (request.path.endsWith("/logs"))
          return { status: 302, headers: { location: "https://files.example/log?sig=1" }, body: Buffer.alloc(0) };
        return undefined;
      },
    },
  });
  fill(t);
  const elsewhere: { url: string; headers: Headers }[] = [];
  const fetch = createFetch({
    origins: { "api.github.com": t.server.origin },
    env: { HOME: temporaryFolder() },
    fetch: async (input, init) => {
      elsewhere.push({ url: new Request(input).url, headers: new Headers(init?.headers) });
      return new Response("elsewhere");
    },
  });
  const headers = { authorization: "token a" };
  const moved = await fetch("https://api.github.com/repos/old/r", { headers });
  expect([moved.status, moved.url, moved.redirected]).toEqual([200, "https://api.github.com/repos/o/r", true]);
  expect((await fetch("https://api.github.com/repos/old/r", { headers, redirect: "manual" })).status).toBe(301);
  expect(await (await fetch("https://api.github.com/repos/o/r/actions/runs/1/logs", { headers })).text()).toBe(
    "elsewhere",
  );
  expect(elsewhere[0]?.url).toBe("https://files.example/log?sig=1");
  expect(elsewhere[0]?.headers.has("authorization")).toBe(false);
  await fetch("https://example.org/x");
  expect(elsewhere).toHaveLength(2);
});

test("fetch: a Request, a body, a signal and a failure behave as with fetch", async () => {
  await using t = await testProxy();
  fill(t);
  const fetch = createFetch({ origins: { "api.github.com": t.server.origin }, env: { HOME: temporaryFolder() } });
  const sent = await fetch(
    new Request("https://api.github.com/repos/o/r", {
      method: "PATCH",
      body: '{"description":"x"}',
      headers: { authorization: "token a" },
    }),
  );
  expect(await sent.json()).toMatchObject({ description: "x" });
  await fetch("https://api.github.com/repos/o/r", { method: "PATCH", body: new Blob(['{"description":"y"}']) });
  expect(await (await fetch(new URL("https://api.github.com/repos/o/r"))).json()).toMatchObject({ description: "y" });
  await expect(fetch("https://api.github.com/x", { signal: AbortSignal.abort(new Error("mine")) })).rejects.toThrow(
    "mine",
  );
  const dead = createFetch({ origins: { "api.github.com": "http://127.0.0.1:1" }, env: { HOME: temporaryFolder() } });
  await expect(dead("https://api.github.com/x")).rejects.toThrow(TypeError);
});
