// The real clients, each through the doors it can use: a list of three pages whole, a read, a write, and its own write read
// again. The double checks what arrived.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { getOctokit } from "@actions/github";
import { Octokit } from "@octokit/rest";
import { expect, test } from "vitest";
import { type TestProxy, testProxy } from "../../testing/github-proxy.ts";

const run = promisify(execFile);

const LABELS = Array.from({ length: 70 }, (_, i) => ({ id: i + 1, name: `label-${i + 1}`, color: "ededed", url: "" }));

function fill({ table }: TestProxy): void {
  table.set("/repos/o/r", {
    id: 12345678,
    name: "r",
    full_name: "o/r",
    description: "before",
    url: "https://api.github.com/repos/o/r",
    labels_url: "https://api.github.com/repos/o/r/labels{/name}",
    issues_url: "https://api.github.com/repos/o/r/issues{/number}",
    owner: { login: "o", url: "https://api.github.com/users/o" },
  });
  table.set(
    "/repos/o/r/labels",
    LABELS.map((label) => ({ ...label, url: `https://api.github.com/repos/o/r/labels/${label.name}` })),
  );
  table.set("/user", { login: "me", id: 1, url: "https://api.github.com/users/me" });
}

/** What each client did, as seen by the double and the proxy. */
function expectCached({ double, proxy, bugs }: TestProxy): void {
  expect(bugs).toEqual([]);
  expect(double.log.some((entry) => entry.status === 304) || proxy.status().stats.fresh > 0).toBe(true);
  expect(double.log.filter((entry) => entry.path.includes("page=3")).length).toBeGreaterThan(0);
}

async function octokitScript(octokit: Octokit): Promise<void> {
  const repo = { owner: "o", repo: "r" };
  const names = async (): Promise<string[]> =>
    (await octokit.paginate(octokit.rest.issues.listLabelsForRepo, { ...repo, per_page: 30 })).map(
      (label) => label.name,
    );
  expect(await names()).toEqual(LABELS.map((label) => label.name));
  expect(await names()).toEqual(LABELS.map((label) => label.name));
  expect((await octokit.rest.repos.get(repo)).data.description).toBe("before");
  await octokit.rest.repos.update({ ...repo, description: "after" });
  expect((await octokit.rest.repos.get(repo)).data.description).toBe("after");
}

test("@octokit/rest by base URL", async () => {
  await using t = await testProxy();
  fill(t);
  await octokitScript(new Octokit({ auth: "ghp_test", baseUrl: t.apiUrl }));
  expectCached(t);
});

test("@actions/github by base URL", async () => {
  await using t = await testProxy();
  fill(t);
  await octokitScript(getOctokit("ghs_test", { baseUrl: t.apiUrl }) as unknown as Octokit);
  expectCached(t);
});

/** Runs a client in an environment without the machine's own settings. */
async function client(t: TestProxy, argv: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const [command = "", ...args] = argv;
  const { stdout } = await run(command, args, {
    env: { PATH: process.env["PATH"] ?? "", HOME: t.folder, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

const have = (path: string): boolean => existsSync(path);

test("gh by socket", async (context) => {
  if (!have("/usr/bin/gh")) return context.skip("gh is not installed (apt-get install gh)");
  await using t = await testProxy();
  fill(t);
  const config = mkdtempSync(join(tmpdir(), "gh-"));
  writeFileSync(join(config, "config.yml"), `http_unix_socket: ${t.socket}\n`);
  const env = { GH_CONFIG_DIR: config, GH_TOKEN: "ghp_test" };
  const gh = (...args: string[]): Promise<string> => client(t, ["/usr/bin/gh", "api", ...args], env);
  try {
    for (const _ of [1, 2]) {
      const pages = await gh("--paginate", "repos/o/r/labels?per_page=30", "--jq", ".[].name");
      expect(pages.trim().split("\n")).toEqual(LABELS.map((label) => label.name));
    }
    expect(await gh("repos/o/r", "--jq", ".description")).toBe("before\n");
    await gh("-X", "PATCH", "repos/o/r", "-f", "description=after");
    expect(await gh("repos/o/r", "--jq", ".description")).toBe("after\n");
    expectCached(t);
  } finally {
    rmSync(config, { recursive: true });
  }
});

test("gh through the CONNECT proxy", async (context) => {
  if (!have("/usr/bin/gh")) return context.skip("gh is not installed (apt-get install gh)");
  await using t = await testProxy();
  fill(t);
  const { env } = proxyEnv(t);
  const args = ["/usr/bin/gh", "api", "--paginate", "repos/o/r/labels?per_page=30", "--jq", ".[].name"];
  for (const _ of [1, 2]) {
    const pages = await client(t, args, { ...env, GH_TOKEN: "ghp_test", GH_CONFIG_DIR: t.folder });
    expect(pages.trim().split("\n")).toHaveLength(70);
  }
  expectCached(t);
});

/** As `api exec --via proxy` sets it. */
function proxyEnv(t: TestProxy): { readonly env: Record<string, string> } {
  const file = join(t.folder, "leaf.pem");
  writeFileSync(file, t.proxy.proxy?.certificate ?? "");
  const url = t.proxy.proxy?.url ?? "";
  return {
    env: { HTTPS_PROXY: url, https_proxy: url, SSL_CERT_FILE: file, CURL_CA_BUNDLE: file, REQUESTS_CA_BUNDLE: file },
  };
}

test.each(["socket", "base-url", "proxy"])("curl by %s", async (door) => {
  await using t = await testProxy();
  fill(t);
  const base = door === "base-url" ? t.apiUrl : door === "socket" ? "http://api.github.com" : "https://api.github.com";
  const how = door === "socket" ? ["--unix-socket", t.socket] : [];
  const env = door === "proxy" ? proxyEnv(t).env : {};
  const curl = (...args: string[]): Promise<string> =>
    client(t, ["curl", "-sS", "--fail", ...how, "-H", "Authorization: Bearer ghp_test", ...args], env);
  // A shell script that follows Link and greps the indented JSON, as many do.
  for (const _ of [1, 2]) {
    let url: string | undefined = `${base}/repos/o/r/labels?per_page=30`;
    const names: string[] = [];
    while (url !== undefined) {
      const answer: string = await curl("-i", url);
      names.push(...[...answer.matchAll(/^ {4}"name": "([^"]+)"/gm)].map((m) => m[1] ?? ""));
      url = /^link: .*<([^>]+)>; rel="next"/im
        .exec(answer)?.[1]
        ?.replace(/^https:/, door === "socket" ? "http:" : "https:");
      if (door === "base-url" && url !== undefined) url = url.replace(/^https:/, "http:");
    }
    expect(names).toEqual(LABELS.map((label) => label.name));
  }
  expect(await curl(`${base}/repos/o/r`)).toContain('  "description": "before",\n');
  await curl("-X", "PATCH", "-d", '{"description":"after"}', `${base}/repos/o/r`);
  expect(await curl(`${base}/repos/o/r`)).toContain('  "description": "after",\n');
  expectCached(t);
});

test("PyGithub by base URL", async (context) => {
  if (!have("/usr/lib/python3/dist-packages/github")) return context.skip("python3-github is not installed");
  await using t = await testProxy();
  fill(t);
  const script = `
import os, github
g = github.Github("ghp_test", base_url=os.environ["FOREGONE_API_URL"], per_page=30)
repo = g.get_repo("o/r")
for _ in range(2):
    names = [label.name for label in repo.get_labels()]
    assert names == ["label-%d" % (i + 1) for i in range(70)], names
assert repo.description == "before", repo.description
repo.edit(name="r", description="after")
assert g.get_repo("o/r").description == "after"
print(repo.url)
`;
  const out = await client(t, ["/usr/bin/python3", "-c", script], { FOREGONE_API_URL: t.apiUrl });
  expect(out.trim()).toBe(`${t.apiUrl}/repos/o/r`);
  expectCached(t);
});
