import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AccessDecision,
  type AccessVersion,
  type Caller,
  decideAccess,
  type Policy,
  toldReason,
} from "./access.ts";
import { matchesGlob, parseScope, type Scope, scopeText } from "./scope.ts";

const scope = (text: string): Scope => {
  const parsed = parseScope(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
};
const version = (where: string, policy: Policy = {}, more: Partial<AccessVersion> = {}): AccessVersion => ({
  name: "TOKEN",
  scope: scope(where),
  version: 1,
  notBefore: 1000,
  notAfter: 2000,
  policy,
  ...more,
});
const job: Caller = {
  assurance: "oidc",
  claims: {
    repositoryId: "456",
    ownerId: "123",
    workflowPath: ".github/workflows/deploy.yml",
    workflowRef: "refs/heads/main",
    environment: "Production",
    eventName: "push",
    conditions: { ref: "refs/heads/main", ref_type: "branch", event_name: "push", repo_property_tier: "gold" },
  },
};
const rules = {
  denyEvents: ["pull_request_target"],
  allowToken: false,
  runner: { id: "runner-7", labels: ["gpu"], group: "prod" },
};
const ask = (
  versions: readonly AccessVersion[],
  { caller = job, now = 1500, mode = "exec", more = {} } = {} as {
    caller?: Caller;
    now?: number;
    mode?: "exec" | "file" | "output" | "env";
    more?: Partial<typeof rules>;
  },
): AccessDecision => decideAccess("TOKEN", mode, now, caller, versions, { ...rules, ...more });
const reasons = (decision: AccessDecision): readonly string[] => (decision.kind === "grant" ? [] : decision.reasons);

const with_ = (claims: Partial<Caller["claims"]>): Caller => ({ ...job, claims: { ...job.claims, ...claims } });
const without = (name: keyof Caller["claims"]): Caller => {
  const { [name]: _, ...claims } = job.claims;
  return { ...job, claims };
};
const weaker = (assurance: Caller["assurance"], claims: Caller["claims"] = {}): Caller => ({ assurance, claims });

// Every scope kind: [scope, caller, granted?]. The truth table of docs/secrets.md.
test.each<[string, Caller, boolean]>([
  ["global", job, true],
  ["global", weaker("local"), true],
  ["global", weaker("token", { repositoryId: "456", ownerId: "123" }), false],
  ["owner:123", job, true],
  ["owner:124", job, false],
  ["owner:123", without("ownerId"), false],
  ["repo:456", job, true],
  ["repo:457", job, false],
  ["repo:456", without("repositoryId"), false],
  ["workflow:456:.github/workflows/deploy.yml", job, true],
  ["workflow:456:.github/workflows/ci.yml", job, false],
  ["workflow:457:.github/workflows/deploy.yml", job, false],
  ["workflow:456:.github/workflows/deploy.yml", without("workflowPath"), false],
  ["workflow:456:.github/workflows/deploy.yml@refs/heads/main", job, true],
  ["workflow:456:.github/workflows/deploy.yml@refs/heads/release/*", job, false],
  ["workflow:456:.github/workflows/deploy.yml@refs/heads/*", with_({ workflowRef: "refs/heads/a/b" }), false],
  ["workflow:456:.github/workflows/deploy.yml@refs/**", with_({ workflowRef: "refs/heads/a/b" }), true],
  ["workflow:456:.github/workflows/deploy.yml@refs/**", without("workflowRef"), false],
  ["environment:456:production", job, true],
  ["environment:456:staging", job, false],
  ["environment:457:production", job, false],
  ["environment:456:production", without("environment"), false],
  ["runner:runner-7", job, true],
  ["runner:runner-8", job, false],
  ["runner:label:gpu", job, true],
  ["runner:label:cpu", job, false],
  ["runner:group:prod", job, true],
  ["runner:group:test", job, false],
  ["runner:runner-7", weaker("local"), true],
  ["runner:runner-7", weaker("token", { repositoryId: "456" }), false],
  ["repo:456", weaker("local"), false],
  ["repo:456", weaker("token", { repositoryId: "456" }), true],
  ["owner:123", weaker("token", { repositoryId: "456", ownerId: "123" }), true],
  ["environment:456:production", weaker("token", { repositoryId: "456", environment: "production" }), true],
  ["repo:999", { assurance: "owner", claims: {} }, true],
  ["repo:999", { assurance: "owner", claims: {}, scope: scope("repo:998") }, false],
])("scope %s", (where, caller, granted) => {
  const decision = ask([version(where, { assurance: "local" })], { caller, more: { allowToken: true } });
  expect(reasons(decision)).toEqual(granted ? [] : ["scope-mismatch"]);
});

test.each<[string, AccessDecision, readonly string[]]>([
  ["unknown-name", ask([]), ["unknown-name"]],
  ["scope-mismatch", ask([version("repo:457")]), ["scope-mismatch"]],
  [
    "event-denied",
    ask([version("repo:456")], { caller: with_({ eventName: "pull_request_target" }) }),
    ["event-denied"],
  ],
  ["explicit-deny", ask([version("repo:456"), version("owner:123", { deny: true })]), ["explicit-deny"]],
  [
    "ambiguous-scope",
    ask([
      version("workflow:456:.github/workflows/deploy.yml"),
      version("workflow:456:.github/workflows/deploy.yml@refs/**"),
    ]),
    ["ambiguous-scope"],
  ],
  ["condition-failed", ask([version("repo:456", { if: { ref: "refs/tags/*" } })]), ["condition-failed"]],
  [
    "condition on an absent claim",
    ask([version("repo:456", { if: { job_workflow_ref: "**" } })]),
    ["condition-failed"],
  ],
  ["condition on a repository property", ask([version("repo:456", { if: { repo_property_tier: "gold" } })]), []],
  ["mode-not-allowed", ask([version("repo:456", { modes: ["exec"] })], { mode: "env" }), ["mode-not-allowed"]],
  ["assurance-too-low", ask([version("runner:runner-7")], { caller: weaker("local") }), ["assurance-too-low"]],
  [
    "token assurance without the opt-in",
    ask([version("repo:456", { assurance: "local" })], { caller: weaker("token", { repositoryId: "456" }) }),
    ["assurance-too-low"],
  ],
  ["not-yet-valid", ask([version("repo:456")], { now: 999 }), ["not-yet-valid"]],
  ["valid from notBefore on", ask([version("repo:456")], { now: 1000 }), []],
  ["valid until just before notAfter", ask([version("repo:456")], { now: 1999 }), []],
  ["expired", ask([version("repo:456")], { now: 2000 }), ["expired"]],
  [
    "every reason is kept",
    ask([version("repo:456", { if: { ref: "x" }, modes: ["file"] })], { now: 2000 }),
    ["condition-failed", "mode-not-allowed", "expired"],
  ],
])("decideAccess() answers %s", (_, decision, expected) => {
  expect(reasons(decision)).toEqual(expected);
});

test("the most specific scope decides, and its refusal is final: a name never falls through to a wider one", () => {
  const order = [
    "global",
    "runner:runner-7",
    "owner:123",
    "repo:456",
    "workflow:456:.github/workflows/deploy.yml",
    "environment:456:production",
  ];
  for (let i = 1; i < order.length; i++) {
    const all = order.slice(0, i + 1).map((where) => version(where));
    const decision = ask(all);
    expect(decision.kind === "grant" && scopeText(decision.version.scope)).toBe(order[i]);
    const closed = [...all.slice(0, -1), version(order[i] ?? "", { modes: ["file"] })];
    expect(reasons(ask(closed))).toEqual(["mode-not-allowed"]);
  }
});

test("the newest version that is valid now is given; an expired newest one does not hide a valid older one", () => {
  const versions = [
    version("repo:456", {}, { version: 1, notAfter: 1600 }),
    version("repo:456", {}, { version: 2, notBefore: 1400 }),
    version("repo:456", {}, { version: 3, notBefore: 1900 }),
  ];
  const at = (now: number): number | undefined => {
    const decision = ask(versions, { now });
    return decision.kind === "grant" ? decision.version.version : undefined;
  };
  expect([at(1100), at(1500), at(1950), at(2500)]).toEqual([1, 2, 3, undefined]);
});

test("an owner who names no scope gets a name that one scope holds, and is told when two do", () => {
  const owner: Caller = { assurance: "owner", claims: {} };
  expect(reasons(ask([version("repo:456", { assurance: "oidc", if: { ref: "x" } })], { caller: owner }))).toEqual([]);
  expect(reasons(ask([version("repo:456"), version("global")], { caller: owner }))).toEqual(["ambiguous-scope"]);
});

test("dropping a claim never grants what the whole token did not", () => {
  const claims = ["repositoryId", "ownerId", "workflowPath", "workflowRef", "environment", "conditions"] as const;
  const places = [
    "global",
    "owner:123",
    "repo:456",
    "repo:7",
    "workflow:456:.github/workflows/deploy.yml@refs/heads/x",
    "environment:456:staging",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      fc.constantFrom("refs/heads/main", "refs/heads/x", "**"),
      fc.constantFrom(...claims),
      (where, glob, dropped) => {
        const versions = [version(where, { if: { ref: glob } })];
        const [whole, less] = [ask(versions).kind, ask(versions, { caller: without(dropped) }).kind];
        expect(whole === "deny" && less === "grant").toBe(false);
      },
    ),
  );
});

test("a caller hears denied, expired or unavailable, and nothing else", () => {
  expect(toldReason(["expired"])).toBe("expired");
  expect(toldReason(["condition-failed", "expired"])).toBe("denied");
  expect(toldReason(["unknown-name"])).toBe("denied");
  expect(toldReason(["store-damaged"])).toBe("unavailable");
});

test.each([
  "repo:0",
  "repo:acme/shop",
  "repo:",
  "repo:4 5",
  "owner:x",
  "",
  "runner:",
  "runner:a\nb",
  "environment:456",
  "environment:456:",
  "workflow:456:",
  "workflow:456:@refs/x",
  "workflow:456:a@refs/x@refs/y",
  "Global",
  "user:1",
])("parseScope() refuses %j", (text) => {
  expect(parseScope(text)).toBeUndefined();
});

test("scopeText() and parseScope() are each other's inverse", () => {
  for (const text of [
    "global",
    "owner:1",
    "repo:456",
    "workflow:4:a b.yml@refs/heads/*",
    "environment:4:pro:d",
    "runner:x",
    "runner:label:gpu",
  ])
    expect(scopeText(scope(text))).toBe(text);
  expect(scopeText(scope("environment:4:PROD"))).toBe("environment:4:prod");
});

test.each([
  ["refs/heads/*", "refs/heads/main", true],
  ["refs/heads/*", "refs/heads/a/b", false],
  ["refs/heads/**", "refs/heads/a/b", true],
  ["refs/heads/main", "refs/heads/mainx", false],
  ["a.c", "abc", false],
  ["*", "", false],
  ["**", "a\nb", true],
  ["(x|y)", "x", false],
])("matchesGlob(%j, %j) is %s", (glob, text, expected) => {
  expect(matchesGlob(glob, text)).toBe(expected);
});
