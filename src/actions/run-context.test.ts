import { expect, test } from "vitest";
import { runContextOf } from "./run-context.ts";

const env = {
  GITHUB_EVENT_NAME: "push",
  GITHUB_SHA: "c".repeat(40),
  GITHUB_REF: "refs/heads/main",
  GITHUB_REPOSITORY: "acme/shop",
  GITHUB_REPOSITORY_ID: "456",
  GITHUB_WORKFLOW_REF: "acme/shop/.github/workflows/ci.yml@refs/heads/main",
  GITHUB_RUN_ID: "9182",
  GITHUB_RUN_ATTEMPT: "1",
  ACTIONS_RESULTS_URL: "https://results.example/x/",
  ACTIONS_RUNTIME_TOKEN: "token",
  RUNNER_ENVIRONMENT: "github-hosted",
};
const repository = { id: 456, default_branch: "main" };
const context = (more: Record<string, string | undefined> = {}, payload: unknown = { repository }) =>
  runContextOf({ ...env, ...more }, payload, { token: "t" });

test("a push", () => {
  expect(context()).toMatchObject({
    repositoryId: "456",
    head: env.GITHUB_SHA,
    headBranch: "main",
    headRepositoryId: "456",
    workflowPath: ".github/workflows/ci.yml",
    service: { url: "https://results.example", token: "token" },
    disk: "own",
    rule: { run: undefined, noRecord: undefined },
  });
});

test("a pull request is judged by its head, of a fork too", () => {
  const pull = { head: { sha: "a".repeat(40), ref: "topic", repo: { id: 7 } } };
  const event = { GITHUB_EVENT_NAME: "pull_request", GITHUB_REF: "refs/pull/7/merge" };
  const expected = { head: "a".repeat(40), commit: env.GITHUB_SHA, headBranch: "topic", headRepositoryId: "7" };
  expect(context(event, { repository, pull_request: pull })).toMatchObject(expected);
  const gone = { head: { ...pull.head, repo: null } };
  expect(context(event, { repository, pull_request: gone })).toMatchObject({ headRepositoryId: undefined });
  expect(context(event)).toEqual({ why: "the runner did not say pull_request.head.sha of the event" });
});

test("what the runner does not say is said", () => {
  expect(context({ GITHUB_RUN_ID: undefined, GITHUB_SHA: "" })).toEqual({
    why: "the runner did not say GITHUB_SHA, GITHUB_RUN_ID",
  });
  expect(context({}, null)).toEqual({ why: "the runner did not say repository.default_branch of the event" });
  // Without an attempt it is no first one.
  expect(context({ GITHUB_RUN_ATTEMPT: undefined })).toMatchObject({ rule: { run: { kind: "audit" } } });
});

test("services are GitHub's own only; elsewhere there are none", () => {
  expect(context({ GITHUB_SERVER_URL: "https://acme.ghe.com" })).toMatchObject({ service: { token: "token" } });
  for (const url of ["https://ghe.acme.example", "https://github.com.evil.example", "not a url"])
    expect(context({ GITHUB_SERVER_URL: url })).toMatchObject({ service: undefined });
  expect(context({ ACTIONS_RESULTS_URL: "no url" })).toMatchObject({ service: undefined });
  expect(context({ ACTIONS_RUNTIME_TOKEN: undefined })).toMatchObject({ service: undefined });
  expect(context({ RUNNER_ENVIRONMENT: "self-hosted" })).toMatchObject({ disk: "shared" });
});
