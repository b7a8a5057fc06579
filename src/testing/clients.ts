// Clients of GitHub's API as their users have them: they know only https://api.github.com, or what GITHUB_API_URL says.
import type { GitHubTable } from "./github-table.ts";

export const LABELS = Array.from({ length: 70 }, (_, i) => `label-${i + 1}`);

/** A repository with three pages of labels. */
export function fillForClients(table: GitHubTable): void {
  const url = "https://api.github.com/repos/o/r";
  table.set("/repos/o/r", {
    id: 1,
    name: "r",
    full_name: "o/r",
    description: "before",
    url,
    labels_url: `${url}/labels{/name}`,
  });
  table.set(
    "/repos/o/r/labels",
    LABELS.map((name, i) => ({ id: i, name, url: `${url}/labels/${name}` })),
  );
}

const LIST = LABELS.map((name) => `${name} `).join("");
/** What each of them prints. */
export const CLIENT_OUTPUT = `${LIST}\n${LIST}\nbefore\nafter\n`;

/** Lists all three pages twice, reads, writes, reads again; prints what it saw. */
export const CLIENTS: Readonly<
  Record<string, { readonly ways?: string; readonly needs?: string; readonly argv: readonly string[] }>
> = {
  gh: {
    needs: "/usr/bin/gh",
    argv: [
      "bash",
      "-ec",
      `l() { gh api --paginate 'repos/o/r/labels?per_page=30' --jq '.[].name' | tr '\\n' ' '; }; l; echo; l; echo
gh api repos/o/r --jq .description; gh api -X PATCH repos/o/r -f description=after >/dev/null; gh api repos/o/r --jq .description`,
    ],
  },
  octokit: {
    argv: [
      "node",
      "-e",
      `import("@octokit/rest").then(async ({ Octokit }) => { const o = new Octokit({ auth: process.env.GH_TOKEN }); const r = { owner: "o", repo: "r" };
for (const _ of [1, 2]) console.log((await o.paginate(o.rest.issues.listLabelsForRepo, { ...r, per_page: 30 })).map((l) => l.name + " ").join(""));
console.log((await o.rest.repos.get(r)).data.description); await o.rest.repos.update({ ...r, description: "after" }); console.log((await o.rest.repos.get(r)).data.description); })`,
    ],
  },
  "actions-github": {
    argv: [
      "node",
      "-e",
      `import("@actions/github").then(async ({ getOctokit }) => { const o = getOctokit(process.env.GH_TOKEN); const r = { owner: "o", repo: "r" };
for (const _ of [1, 2]) console.log((await o.paginate(o.rest.issues.listLabelsForRepo, { ...r, per_page: 30 })).map((l) => l.name + " ").join(""));
console.log((await o.rest.repos.get(r)).data.description); await o.rest.repos.update({ ...r, description: "after" }); console.log((await o.rest.repos.get(r)).data.description); })`,
    ],
  },
  pygithub: {
    ways: "proxy",
    needs: "/usr/lib/python3/dist-packages/github",
    argv: [
      "/usr/bin/python3",
      "-c",
      `
import os, github
g = github.Github(os.environ["GH_TOKEN"], per_page=30)
r = g.get_repo("o/r")
for _ in range(2): print("".join(l.name + " " for l in r.get_labels()))
print(r.description)
r.edit(name="r", description="after")
print(g.get_repo("o/r").description)`,
    ],
  },
  curl: {
    ways: "proxy",
    argv: [
      "bash",
      "-ec",
      `get() { curl -sSf -H "Authorization: Bearer $GH_TOKEN" "$@"; }
for i in 1 2; do url='https://api.github.com/repos/o/r/labels?per_page=30'
while [ -n "$url" ]; do get -D head "$url" | grep '^    "name"' | cut -d '"' -f 4 | tr '\\n' ' '; url=$(sed -n 's/^link: .*<\\([^>]*\\)>; rel="next".*/\\1/p' head); done; echo; done
get https://api.github.com/repos/o/r | grep '"description"' | cut -d '"' -f 4
get -X PATCH -d '{"description":"after"}' https://api.github.com/repos/o/r >/dev/null
get https://api.github.com/repos/o/r | grep '"description"' | cut -d '"' -f 4; rm head`,
    ],
  },
};
