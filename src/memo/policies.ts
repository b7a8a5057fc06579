// What policy makes of the things a run did beside reading files: talking to other machines, asking git, and being given
// variables that differ on every run. Each becomes an observation, nothing, or a gap.
import type { Gap } from "../core/gap.ts";
import { type InputPath, inWorkspace, type Roots, toAbsolute, toInputPath } from "../core/input-path.ts";
import type { Observation } from "../core/observation.ts";
import { type Files, Unreadable } from "../ports.ts";
import { type Change, type Connection, type GitCall, networkGap } from "../trace/interpret/interpreted.ts";
import { type GitFact, GIT_FACTS } from "./git-facts.ts";
import type { SkipOptions } from "./options.ts";
import { answerAtHead, type StartState } from "./start-state.ts";
import type { World } from "./world.ts";
import { basename, parent } from "./workspace.ts";

/**
 * Connections that no rule covers are gaps.
 * @returns the rule hosts that were used: a record may only serve as long as the shortest of their lives
 */
export function networkPolicy(
  connections: readonly Connection[],
  options: Pick<SkipOptions, "network">,
  roots: Roots,
  start: StartState,
): { readonly gaps: Gap[]; readonly hosts: string[] } {
  const gaps: Gap[] = [];
  const hosts = new Set<string>();
  for (const connection of connections) {
    if (isPinned(connection, roots, start)) continue;
    // An address can have several names: a rule must cover each of them.
    const names = connection.hosts.length > 0 ? connection.hosts : [connection.address];
    const rules = names.map((name) => options.network.find((rule) => rule.host === name));
    if (rules.every((rule) => rule !== undefined)) for (const rule of rules) hosts.add(rule.host);
    else gaps.push(networkGap(connection));
  }
  return { gaps, hosts: [...hosts].sort() };
}

/** An installer that accepts only what a lock file pins, if that file is tracked and as HEAD has it (docs/soundness.md, 2.9). */
function isPinned({ installer, cwd }: Connection, roots: Roots, start: StartState): boolean {
  if (installer === undefined || cwd === undefined) return false;
  for (let folder = cwd; ; folder = parent(folder)) {
    for (const name of installer.lockFiles) {
      const path = toInputPath(folder === "/" ? `/${name}` : `${folder}/${name}`, roots);
      if (inWorkspace(path) && start.isClean(path)) return true;
    }
    if (folder === roots.workspace || folder === "/") return false;
  }
}

/**
 * Reads of the workspace's repository by git become fixed questions (git-facts.ts): more than was asked, never less.
 * @returns facts to observe, and gaps
 */
export function gitPolicy(
  calls: readonly GitCall[],
  options: Pick<SkipOptions, "ignore">,
  roots: Roots,
  start: StartState,
): { readonly facts: { readonly fact: GitFact; readonly by: string }[]; readonly gaps: Gap[] } {
  const facts = new Map<GitFact, string>();
  const gaps: Gap[] = [];
  const ignoreHead = options.ignore.includes("git.head");
  const add = (fact: GitFact, by: string): void => {
    if (!facts.has(fact)) facts.set(fact, by);
  };
  for (const { use, ask, by, repository } of calls) {
    if (repository !== roots.workspace) {
      gaps.push({ kind: "git-head-used", query: `another repository, ${toInputPath(repository, roots)}` });
      continue;
    }
    if (use === "ls-files" || use === "config") add(use, by);
    else if (use === "clean-check") {
      // "Clean" can be asked again; which of many dirty states it was cannot.
      if (start.cleanTree === undefined && !ignoreHead)
        gaps.push({ kind: "git-head-used", query: "status of a dirty tree" });
      else if (!ignoreHead) add("clean", by);
    } else if (!ignoreHead) for (const fact of headFacts(ask)) add(fact, by);
    // What git prints, and what it takes for a change, are matters of configuration too; an upstream is one of a branch.
    if (use !== "config") add(use === "head-dependent" && headFacts(ask).length > 1 ? "config" : "settings", by);
  }
  return { facts: [...facts].map(([fact, by]) => ({ fact, by })), gaps };
}

/**
 * What a clean check saw of tracked files that the run itself had changed: how they differ from HEAD. That nothing differed at the
 * start does not say it; HEAD's own content of each does (docs/soundness.md, 2.8). Taken for all of them, before the check or after.
 */
export function comparedWithHead(
  changes: ReadonlyMap<string, Change>,
  roots: Roots,
  start: StartState,
  by: string,
): { readonly observations: Observation[]; readonly gaps: Gap[] } {
  const observations: Observation[] = [];
  const gaps: Gap[] = [];
  for (const { path: absolute } of changes.values()) {
    const key = toInputPath(absolute, roots);
    if (!inWorkspace(key)) continue;
    const head = start.head(key);
    if (head !== undefined) observations.push({ ...answerAtHead(head), key, by });
    else if (belowSubmodule(key, start)) gaps.push({ kind: "git-head-used", query: `status of a submodule, ${key}` });
  }
  return { observations, gaps };
}

function belowSubmodule(path: string, start: StartState): boolean {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
    if (start.head(path.slice(0, at))?.mode === "160000") return true;
  return false;
}

/** The cheapest facts that an answer depends on; all of them where the arguments are not understood. */
function headFacts(ask: readonly string[] | undefined): readonly GitFact[] {
  const all = GIT_FACTS.filter((fact) => fact === "head" || fact === "branch" || fact === "refs");
  if (ask === undefined) return all;
  const text = ask.join(" ");
  // Decorations name the refs that point at a commit.
  if (/%[dDS]/.test(text)) return all;
  if (
    text === "rev-parse HEAD" ||
    /^(?:log|show|rev-list)(?: -1)? (?:--format=\S+ ?|--pretty=\S+ ?)?(?:HEAD)?$/.test(text)
  )
    return ["head"];
  if (text === "branch --show-current" || text === "rev-parse --abbrev-ref HEAD" || text === "symbolic-ref HEAD")
    return ["branch"];
  return all;
}

/**
 * A volatile variable is an input when its name occurs in a workspace file that the run read, or its value in an argument
 * (docs/soundness.md, 2.7). What a dependency reads unnamed stays unseen; `env: strict` closes that.
 * @param words the command line, and any other text that says what runs
 * @param observed of the run, contents still as they were read
 * @param everywhere files outside the workspace count too
 */
export function volatileUsed(
  volatile: readonly string[],
  env: Readonly<Record<string, string>>,
  words: readonly string[],
  observed: readonly Observation[],
  roots: Roots,
  files: Files,
  everywhere = false,
): { readonly name: string; readonly by: string }[] {
  if (volatile.length === 0) return [];
  const used = new Map<string, string>();
  for (const name of volatile) {
    const value = env[name] ?? "";
    // Shorter values, such as "1", occur in any text.
    if (words.some((word) => word.includes(name) || (value.length >= 6 && word.includes(value))))
      used.set(name, "the command line");
  }
  for (const { kind, key, by } of observed) {
    if (kind !== "file" || !(everywhere || inWorkspace(key as InputPath))) continue;
    if (used.size === volatile.length) break;
    const absolute = toAbsolute(key as InputPath, roots);
    const bytes = absolute === undefined ? undefined : files.read(absolute);
    if (bytes === undefined || bytes instanceof Unreadable) continue;
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const name of volatile)
      if (!used.has(name) && content.includes(name)) used.set(name, `${by} (${basename(key)})`);
  }
  return [...used].map(([name, by]) => ({ name, by }));
}

/** Asks a question whose answer becomes an observation; one that nobody can answer is a gap. */
export function observe(world: World, question: { kind: "env" | "git"; key: string }, by: string): Observation | Gap {
  const answer = world.ask(question);
  if (typeof answer === "string") return { ...question, value: answer, by };
  return question.kind === "git"
    ? { kind: "git-head-used", query: `${question.key} (${answer.why})` }
    : { kind: "unresolved", ref: `${question.kind} ${question.key}` };
}
