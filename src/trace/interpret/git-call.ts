// What a git command asks of a repository, from its arguments (docs/soundness.md, 2.8). By positive lists: a subcommand or a
// form that is not named here is `unknown`, and a gap. Nothing here is ever executed (docs/decisions/0004).

export type GitUse = "clean-check" | "ls-files" | "head-dependent" | "config";

export type GitQuery =
  | {
      readonly kind: "query";
      readonly uses: readonly GitUse[];
      /** Subcommand and arguments, if no global option changes what they mean. */
      readonly ask: readonly string[] | undefined;
      /** What it reads in the work tree only serves these questions: the answers cover it. */
      readonly coversWorktree: boolean;
      /** Of the work tree it reads `.gitignore` too: not only as a tracked file among others. */
      readonly ignores: boolean;
      /** Where it says it runs (-C, --git-dir): then the process's folder tells nothing. */
      readonly elsewhere: boolean;
    }
  /** Asks nothing that its own looks outside the repository do not say. */
  | { readonly kind: "harmless" }
  /** Changes the repository: judged by what it changed. `opaque`: if it changed nothing, nobody knows what it asked. */
  | { readonly kind: "writes"; readonly subcommand: string; readonly elsewhere: boolean; readonly opaque: boolean }
  | { readonly kind: "unknown"; readonly subcommand: string; readonly elsewhere: boolean };

/** Global options with a value in the next word. */
const WITH_VALUE = new Set(["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env"]);
/** Global options that change nothing about the question. */
const PLAIN = new Set([
  "--no-pager",
  "-P",
  "-p",
  "--paginate",
  "--no-optional-locks",
  "--no-replace-objects",
  "--literal-pathspecs",
]);

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));
const HARMLESS = words("version help init check-ref-format credential-cache credential-store maintenance gc");
/** All they take from a repository is its settings. */
const SETTINGS = words(
  "hash-object stripspace mailinfo mailsplit interpret-trailers check-mailmap var column ls-remote",
);
const HEAD = words(`
  log show blame annotate shortlog rev-list merge-base name-rev for-each-ref show-ref cat-file ls-tree show-branch cherry
  whatchanged archive verify-commit verify-tag diff-tree range-diff format-patch merge-tree patch-id get-tar-commit-id`);
/** What they change if they change anything follows from HEAD, the refs and the work tree. */
const WRITES = words(`
  add rm mv commit checkout switch restore reset merge rebase cherry-pick revert am apply clean update-ref read-tree
  write-tree commit-tree mktag mktree checkout-index`);
/** They also have, or show, a state of their own: when they changed nothing, nobody can say what they saw. */
const OPAQUE_WRITES = words(`
  stash fetch pull push clone prune repack pack-refs pack-objects unpack-objects index-pack worktree submodule notes bisect
  replace filter-branch sparse-checkout remote remote-https remote-http remote-ssh fetch-pack send-pack upload-pack receive-pack`);
/** Logs of where refs were: no fact holds them. */
const REFLOG = /@\{|^(?:-g|--walk-reflogs|--reflog)$/;
/** rev-parse about places, not commits. */
const PLACES =
  /^(?:--show-toplevel|--git-dir|--absolute-git-dir|--git-common-dir|--is-inside-work-tree|--is-inside-git-dir|--is-bare-repository|--show-prefix|--show-cdup|--show-superproject-working-tree|--local-env-vars|--git-path|--path-format=\w+|-q|--quiet|--sq-quote)$/;

/** @param argv argv[0] included: "git", or the path of a program such as git-core/git-remote-https */
export function classifyGit(argv: readonly string[]): GitQuery {
  const program = (argv[0] ?? "git").replace(/^.*\//, "");
  const words = program.startsWith("git-") ? [program.slice(4), ...argv.slice(1)] : argv.slice(1);
  let at = 0;
  let plain = true;
  let elsewhere = false;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) break;
    if (/^(?:--version|-v|--help|-h|--exec-path|--html-path|--man-path|--info-path)$/.test(word))
      return { kind: "harmless" };
    if (PLAIN.has(word)) continue;
    plain = false;
    elsewhere ||= /^(?:-C|--git-dir|--work-tree|--bare)/.test(word);
    if (WITH_VALUE.has(word)) at++;
  }
  const subcommand = words[at];
  if (subcommand === undefined) return { kind: "harmless" };
  const args = words.slice(at + 1);
  const uses = usesOf(subcommand, args);
  if (uses === "harmless") return { kind: "harmless" };
  if (uses === "unknown") return { kind: uses, subcommand, elsewhere };
  if (uses === "writes") return { kind: uses, subcommand, elsewhere, opaque: OPAQUE_WRITES.has(subcommand) };
  const coversWorktree = !uses.keepsLooks;
  const ask = plain ? words.slice(at) : undefined;
  return { kind: "query", uses: uses.uses, ask, coversWorktree, ignores: subcommand === "status", elsewhere };
}

type Uses = { readonly uses: readonly GitUse[]; readonly keepsLooks?: boolean } | "harmless" | "writes" | "unknown";

const head: Uses = { uses: ["head-dependent"], keepsLooks: true };
const clean: Uses = { uses: ["clean-check"] };
/** The contents of the index: those of HEAD, if the work tree is clean. */
const cached: Uses = { uses: ["ls-files", "clean-check", "head-dependent"], keepsLooks: true };
const cleanAndHead: Uses = { uses: ["clean-check", "head-dependent"] };

function usesOf(subcommand: string, args: readonly string[]): Uses {
  const options = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined);
  const operands = options.filter((arg) => !arg.startsWith("-"));
  const has = (...names: string[]): boolean => options.some((arg) => names.includes(arg.split("=", 1)[0] ?? ""));
  if (options.some((arg) => REFLOG.test(arg))) return "unknown";
  switch (subcommand) {
    case "status":
      // Ignored files are in no answer of ours; that git looked for them is kept.
      if (has("--ignored")) return { uses: ["clean-check", "head-dependent"], keepsLooks: true };
      // The long form names the branch and what is ahead of it.
      return (has("--porcelain", "--short", "-s", "-z") || options.some((o) => /^-[sz]+$/.test(o))) &&
        !has("-b", "--branch", "-sb")
        ? clean
        : cleanAndHead;
    case "diff":
      if (has("--no-index")) return "harmless";
      return operands.length === 0 || (operands.length === 1 && operands[0] === "HEAD") ? clean : cleanAndHead;
    case "diff-files":
      return clean;
    case "diff-index":
      return operands[0] === "HEAD" ? clean : cleanAndHead;
    case "update-index":
      return options.every((o) =>
        /^(?:-q|--refresh|--really-refresh|--unmerged|--ignore-submodules|--ignore-missing)$/.test(o),
      )
        ? clean
        : "writes";
    case "describe":
      return has("--dirty", "--broken") ? cleanAndHead : { uses: ["head-dependent"] };
    case "ls-files":
      // Flags of the index, and the names in submodules.
      if (has("-t", "-v", "-f", "--recurse-submodules")) return "unknown";
      if (has("-s", "--stage", "-u", "--unmerged", "--debug", "--eol"))
        return { uses: ["ls-files", "clean-check", "head-dependent"] };
      return options.some((o) => /^(?:-[a-z]*[omdk][a-z]*|--others|--modified|--deleted|--killed)$/.test(o))
        ? { uses: ["ls-files", "clean-check"], keepsLooks: true }
        : { uses: ["ls-files"] };
    case "grep":
      if (has("--cached", "--recurse-submodules")) return cached;
      return operands.length > 1 ? head : { uses: ["ls-files"], keepsLooks: true };
    case "check-ignore":
    case "check-attr":
      if (has("--cached", "--source", "--no-index")) return cached;
      return { uses: ["ls-files"], keepsLooks: true };
    case "rev-parse":
      if (options.length > 0 && options.every((o) => PLACES.test(o))) return "harmless";
      return { uses: ["head-dependent"] };
    case "symbolic-ref":
      return operands.length === 1 && !has("-d", "--delete", "-m") ? head : "writes";
    case "branch":
      return operands.length === 0 ||
        has("--list", "-l", "--contains", "--merged", "--no-merged", "--points-at", "--show-current")
        ? head
        : "writes";
    case "tag":
      return operands.length === 0 || has("--list", "-l", "--contains", "--merged", "--no-merged", "--points-at", "-n")
        ? head
        : "writes";
    case "remote":
      return operands.length === 0 || operands[0] === "get-url" ? { uses: ["config"], keepsLooks: true } : "writes";
    case "config":
      return configUses(options, operands);
    default:
      if (HARMLESS.has(subcommand)) return "harmless";
      if (HEAD.has(subcommand)) return has("--batch-all-objects") ? "unknown" : head;
      if (SETTINGS.has(subcommand)) return { uses: ["config"], keepsLooks: true };
      return WRITES.has(subcommand) || OPAQUE_WRITES.has(subcommand) ? "writes" : "unknown";
  }
}

/** What the config fact holds: remote.*.url, core.*, user.*. */
function configUses(options: readonly string[], operands: readonly string[]): Uses {
  if (options.some((o) => /^--(?:global|system|file|blob|worktree)/.test(o) || o === "-f")) return "harmless";
  const reads =
    options.some((o) => /^--(?:get|get-all|get-urlmatch|get-color|get-colorbool)$/.test(o)) || operands.length === 1;
  if (!reads)
    return options.some((o) => /^(?:-l|--list|--get-regexp)$/.test(o)) || operands[0] === "list" ? "unknown" : "writes";
  const key = operands[0] === "get" ? operands[1] : operands[0];
  return key !== undefined && /^(?:remote\..*\.url|core\..*|user\..*)$/i.test(key)
    ? { uses: ["config"], keepsLooks: true }
    : "unknown";
}
