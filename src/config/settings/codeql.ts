// `codeql:` (docs/codeql-cache.md) and `secrets:` (docs/secrets.md).
import { bool, duration, integer, list, map, nullable, oneIn, oneOf, size, text } from "../kind.ts";
import { setting } from "../setting.ts";

export const codeqlSettings = {
  "codeql.enabled": setting(bool, true, "reuse a scan whose inputs hold", { tighten: false }),
  "codeql.cache-ttl": setting(duration(), 86_400, "age of a scan above which it is scanned again; 0 = always scan", {
    tighten: "lower",
  }),
  "codeql.tier": setting(oneOf("auto", "exact", "relevant"), "auto", "which files a scan is taken to read"),
  "codeql.upload": setting(oneOf("step", "api"), "step", "who uploads a replayed SARIF"),
  "codeql.audit": setting(oneIn, "1/50", "share of hits that scan anyway and compare", { tighten: "higher" }),
  "codeql.trust": setting(oneOf("repository", "protected"), "repository", "whose scans may serve", {
    tighten: ["repository", "protected"],
  }),
  "codeql.accept": setting(list(text("a gap")), [], "gaps you vouch for", { tighten: "fewer" }),
  "codeql.inert-extra": setting(list(text("a suffix or file name")), [], "more files that no scan reads", {
    tighten: "fewer",
  }),
  "codeql.max-sarif": setting(size, "64MiB", "a larger SARIF is refused"),
} as const;

export const secretsSettings = {
  "secrets.dir": setting(text("a folder"), "~/.credentials", "the credential store", {
    tighten: "fixed",
    env: ["FOREGONE_CREDENTIALS_DIR", "CREDENTIALS_DIR"],
  }),
  "secrets.key-provider": setting(
    oneOf("keyring", "file", "env", "fd", "systemd", "passphrase", "command"),
    "keyring",
    "where the master key is kept",
    { tighten: "fixed" },
  ),
  "secrets.key-command": setting(list(text("an argument")), [], "program that prints the master key", {
    tighten: "fixed",
  }),
  "secrets.default-ttl": setting(duration(), "24h", "life of a credential that names none", { tighten: "lower" }),
  "secrets.max-ttl": setting(duration(), "365d", "longest life of a credential", { tighten: "lower" }),
  "secrets.allow-no-expiry": setting(bool, false, "allow `--no-expiry`", { tighten: false }),
  "secrets.rotate-grace": setting(duration(), "1h", "how long the old version stays valid after a rotation", {
    tighten: "lower",
  }),
  "secrets.master-grace": setting(duration(), "7d", "how long the old master key is kept after a rotation", {
    tighten: "lower",
  }),
  "secrets.purge-after": setting(duration(), "30d", "expired credentials are deleted after this long"),
  "secrets.broker.socket": setting(text("a path"), "/run/foregone/broker.sock", "the broker's socket", {
    tighten: "fixed",
  }),
  "secrets.broker.id": setting(nullable(text("a name")), null, "the broker's name; null: the machine's", {
    tighten: "fixed",
  }),
  "secrets.broker.labels": setting(list(text("a label")), [], "labels of the runner it serves", { tighten: "fixed" }),
  "secrets.broker.group": setting(nullable(text("a group")), null, "group that may use the socket", {
    tighten: "fixed",
  }),
  "secrets.oidc.issuer": setting(
    text("a URL"),
    "https://token.actions.githubusercontent.com",
    "whose tokens are believed",
    {
      tighten: "fixed",
    },
  ),
  "secrets.oidc.audience": setting(
    nullable(text("text")),
    null,
    "audience of a token; null: `foregone-secrets:<broker id>`",
    {
      tighten: "fixed",
    },
  ),
  "secrets.oidc.max-age": setting(duration(), "10m", "age above which a token is refused", { tighten: "lower" }),
  "secrets.oidc.clock-tolerance": setting(duration(), "5s", "how far clocks may differ", { tighten: "lower" }),
  "secrets.oidc.jwks-file": setting(nullable(text("a path")), null, "keys of the issuer from a file", {
    tighten: "fixed",
  }),
  "secrets.assurance.token": setting(bool, false, "accept a GITHUB_TOKEN where there is no OIDC", { tighten: false }),
  "secrets.allow-put": setting(map(list(text("a scope"))), {}, "repositories that may store into further scopes", {
    tighten: "fixed",
  }),
  "secrets.deny-events": setting(
    list(text("an event name")),
    ["pull_request_target", "workflow_run", "issue_comment"],
    "events that never get a credential",
    { tighten: "more" },
  ),
  "secrets.audit.verify-key": setting(oneOf("sealed", "recipient"), "sealed", "who can verify the audit log", {
    tighten: "fixed",
  }),
  "secrets.audit.recipient": setting(nullable(text("an age recipient")), null, "the auditor's age key", {
    tighten: "fixed",
  }),
  "secrets.audit.checkpoint-every": setting(integer(1, 1_000_000), 100, "audit lines between two checkpoints", {
    tighten: "lower",
  }),
  "secrets.audit.checkpoint-interval": setting(duration(), "10m", "time between two checkpoints", { tighten: "lower" }),
  "secrets.audit.checkpoint-to": setting(list(text("a folder, `syslog` or `keyring`")), [], "where checkpoints go", {
    tighten: "more",
  }),
} as const;
