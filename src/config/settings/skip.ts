// `skip:` and `trace:`: when a result may be reused (docs/soundness.md) and who watches.
import { bool, duration, integer, list, object, oneIn, oneOf, size, text } from "../kind.ts";
import { setting } from "../setting.ts";

export const skipSettings = {
  "skip.mode": setting(
    oneOf("enforce", "shadow", "record", "off"),
    "enforce",
    "`enforce` skips; `shadow` runs anyway and compares; `record` only records; `off` does nothing",
    { tighten: ["enforce", "shadow", "record", "off"] },
  ),
  "skip.audit": setting(oneIn, "1/50", "share of would-be skips that run anyway, to find false skips", {
    tighten: "higher",
  }),
  "skip.max-age": setting(
    duration(),
    "7d",
    "age of the producing run above which a record is `expired`; a hit never renews it",
    {
      tighten: "lower",
    },
  ),
  "skip.exact-tree.world-within": setting(
    duration(),
    "24h",
    "how long an equal git tree excuses what lies outside the tree and nobody could watch; 0 = never",
    { tighten: "lower" },
  ),
  "skip.env": setting(
    oneOf("hash", "strict"),
    "hash",
    "`hash`: every variable counts; `strict`: only those of `skip.env-pass` reach the command",
    { tighten: ["hash", "strict"] },
  ),
  "skip.env-pass": setting(
    list(text("a variable name or a glob")),
    [],
    "variables that reach the command when `skip.env` is `strict`",
    {
      tighten: "fewer",
    },
  ),
  "skip.network": setting(
    list(object({ host: text("a host name"), ttl: duration() })),
    [],
    "hosts whose answers may be taken as unchanged for a while, e.g. `{host: objects.example.org, ttl: 24h}`",
    { tighten: "fewer" },
  ),
  "skip.outputs": setting(
    list(text("a glob, `workspace` or `none`")),
    ["workspace"],
    "files a skip restores: `workspace` (what the command left changed), globs, or `none`",
  ),
  "skip.trust": setting(oneOf("protected", "attested"), "protected", "whose records may serve another tree", {
    tighten: ["protected", "attested"],
  }),
  "skip.trust-fork-exact-tree": setting(bool, false, "let a fork's pull request prove the very same tree", {
    tighten: false,
  }),
  "skip.time-sensitive": setting(bool, false, "the result depends on the date: always run", { tighten: true }),
  "skip.accept": setting(
    list(text("a gap, e.g. `opaque-service` or `untraced-network:host`")),
    [],
    "gaps you vouch for; printed with every skip",
    {
      tighten: "fewer",
    },
  ),
  "skip.ignore": setting(
    list(text("`git.head`, `image.version`, `workspace.root`, `stat.size` or a glob")),
    [],
    "inputs that you say do not matter; printed with every skip",
    { tighten: "fewer" },
  ),
  "skip.privileged-jobs": setting(
    list(text("a job id")),
    [],
    "jobs with secrets or write permissions that may be skipped all the same",
    {
      tighten: "fewer",
    },
  ),
} as const;

export const traceSettings = {
  "trace.backend": setting(
    oneOf("auto", "ebpf", "notify", "none"),
    "auto",
    "the observer; `auto` takes the first whose self-test passes",
  ),
  "trace.ring": setting(size, "64MiB", "memory of the eBPF ring, 8 to 512 MiB"),
  "trace.extra-roots": setting(
    list(text("`auto` or a process name")),
    ["auto"],
    "daemons whose children belong to the job; `auto`: container daemons on throw-away machines",
    { tighten: "more" },
  ),
  "trace.hard-limit": setting(duration(), "24h", "a tracer ends itself after this long"),
  "trace.max-observations": setting(integer(1000, 5_000_000), 200_000, "a run that saw more is `too-large` to record"),
} as const;
