// Turns what the run looked at into observations: what each look would have answered BEFORE the run. Asked after the run,
// since only then it is known which questions matter; so each answer must also be shown not to have moved meanwhile, else gap.
import type { Gap } from "../core/gap.ts";
import { type InputPath, inWorkspace, type Roots, toInputPath } from "../core/input-path.ts";
import { ABSENT, listingDigest, type Observation, probeAnswer, type QuestionKind } from "../core/observation.ts";
import { CLOCK_GRANULARITY_NS, type EntryType, type Files, type Hasher, type Stat, Unreadable } from "../ports.ts";
import type { Change, Interpreted, Look } from "../trace/interpret/interpreted.ts";
import { isPseudo } from "../trace/interpret/pseudo.ts";
import { isLog, isTemporary } from "./side-effects.ts";
import { keepsCtime } from "./file-system.ts";
import { answerAtHead, type StartState } from "./start-state.ts";
import type { World } from "./world.ts";
import { parent } from "./workspace.ts";

export interface SettleParts {
  readonly interpreted: Interpreted;
  readonly roots: Roots;
  readonly files: Files;
  readonly hasher: Hasher;
  /** Asks the world without taking anything as not yet made. */
  readonly world: World;
  readonly start: StartState;
  /** Paths that an earlier run of this Action had made and that were still there, unchanged, at the start. */
  readonly priorMade: ReadonlySet<string>;
  readonly ignored: (path: InputPath) => boolean;
}

export interface Settled {
  readonly observations: readonly Observation[];
  readonly gaps: readonly Gap[];
  /** The stat seen when each observation was answered, for the witness; undefined where it proves nothing later. */
  readonly stats: readonly (Stat | undefined)[];
}

export function settle(parts: SettleParts): Settled {
  return new Settling(parts).settle();
}

class Settling {
  readonly #parts: SettleParts;
  readonly #changes: ReadonlyMap<string, Change>;
  readonly #observations: Observation[] = [];
  readonly #stats: (Stat | undefined)[] = [];
  readonly #gaps = new Map<string, Gap>();
  /** Folder -> names that the run placed in it or removed from it. */
  readonly #touched = new Map<string, Change[]>();
  /** Device -> may its stats go into the witness? */
  readonly #vouching = new Map<bigint, boolean>();

  constructor(parts: SettleParts) {
    this.#parts = parts;
    this.#changes = parts.interpreted.changes;
    for (const change of this.#changes.values()) {
      const folder = parent(change.path);
      const known = this.#touched.get(folder);
      if (known === undefined) this.#touched.set(folder, [change]);
      else known.push(change);
    }
  }

  settle(): Settled {
    for (const look of this.#parts.interpreted.looks) this.#one(look);
    return { observations: this.#observations, gaps: [...this.#gaps.values()], stats: this.#stats };
  }

  #one(look: Look): void {
    const path = toInputPath(look.path, this.#parts.roots);
    if (isLog(path) || this.#parts.ignored(path)) return;
    if (look.kind === "absent") this.#absent(look, path);
    else if (look.kind === "directory") this.#directory(look, path);
    else this.#present(look, path);
  }

  /** What the run looked for and did not find. If the run made it afterwards, it was absent before. */
  #absent(look: Look, path: InputPath): void {
    const change = this.#changes.get(look.path);
    const now = this.#parts.files.lstat(look.path);
    if (now !== undefined && change === undefined && !this.#parts.priorMade.has(path)) return this.#modified(path);
    // Random names below temporary folders would make a new path set on every run.
    if (isTemporary(path) && change !== undefined) return;
    this.#add(look, path, ABSENT, undefined);
  }

  #present(look: Look, path: InputPath): void {
    // Their times are those of the first look: only content can be compared, and no stat may vouch for it later.
    if (isPseudo(look.path)) return this.#ask(look, path, undefined);
    const change = this.#changes.get(look.path);
    const stat = this.#stat(look.path);
    if (change === undefined || onlyLinked(change)) {
      if (stat === undefined) return this.#modified(path);
      // Of a folder only its type was seen; its times move with what is in it.
      const onlyType = stat.type === "dir" && (look.kind === "probe" || look.kind === "stat");
      if (change === undefined && (onlyType || this.#isOld(stat))) return this.#ask(look, path, stat);
      return this.#equalsHead(path, stat) ? this.#ask(look, path, stat) : this.#modified(path);
    }
    if (change.before === "absent") return;
    // What an earlier run of ours made and this one makes again, without having read it, is an output of both.
    if (this.#parts.priorMade.has(path) && !change.readBefore && look.kind !== "file")
      return this.#add(look, path, ABSENT, undefined);
    if (stat !== undefined && this.#equalsHead(path, stat)) return this.#ask(look, path, stat);
    const before = look.kind === "file" ? undefined : this.#before(look.kind, path, change, stat);
    if (before !== undefined) return this.#add(look, path, before, undefined);
    this.#modified(path);
  }

  /** The entries before the run: those of now, without what the run put there, with what it took away. */
  #directory(look: Look, path: InputPath): void {
    const { files, hasher, priorMade, roots } = this.#parts;
    const stat = this.#stat(look.path);
    const entries = files.list(look.path);
    if (stat?.type !== "dir" || entries === undefined || entries instanceof Unreadable) return this.#modified(path);
    const touched = this.#touched.get(look.path) ?? [];
    const before = new Map<string, EntryType>(entries);
    if (path === ".") before.delete(".git");
    for (const change of touched) {
      const name = change.path.slice(change.path.lastIndexOf("/") + 1);
      const again = priorMade.has(toInputPath(change.path, roots)) && !change.readBefore;
      if (change.before === "absent" || again) before.delete(name);
      else if (change.before === "unknown") return this.#modified(path);
      else before.set(name, change.before);
    }
    // Its times moved though the run put nothing there and took nothing away: somebody else did.
    const foreign = touched.length === 0 ? !this.#isOld(stat) : this.#hasForeign(look.path, before);
    if (foreign) return this.#modified(path);
    this.#add(look, path, listingDigest(hasher, before), touched.length === 0 ? stat : undefined);
  }

  #ask(look: Look, path: InputPath, stat: Stat | undefined): void {
    const answer = this.#parts.world.ask({ kind: look.kind, key: path });
    if (typeof answer === "string") this.#add(look, path, answer, stat);
    else this.#gap({ kind: "unresolved-path", path });
  }

  #add(look: Look, path: InputPath, value: string, stat: Stat | undefined): void {
    const kind: QuestionKind = look.kind;
    this.#observations.push({ kind, key: path, value, by: look.by });
    this.#stats.push(stat !== undefined && this.#vouches(look.path, stat) ? stat : undefined);
  }

  /** Is an equal stat a proof of equal content there? */
  #vouches(path: string, { dev, type: what }: Stat): boolean {
    // Nobody asks about others; and statfs would follow a link to another file system.
    if (what !== "file" && what !== "dir") return false;
    let vouches = this.#vouching.get(dev);
    if (vouches === undefined) {
      const type = this.#parts.files.fileSystem(path);
      vouches = typeof type === "number" && keepsCtime(type);
      this.#vouching.set(dev, vouches);
    }
    return vouches;
  }

  /** What a look without content saw of a path that has since changed, as far as HEAD or the change itself can tell. */
  #before(kind: Look["kind"], path: InputPath, change: Change, now: Stat | undefined): string | undefined {
    if (kind === "symlink" || change.before === "unknown" || change.before === "absent") return undefined;
    if (change.before !== "file") return probeAnswer(change.before, false);
    if (kind === "stat") return undefined;
    const head = this.#parts.start.head(path);
    if (head !== undefined) return probeAnswer("file", head.mode === "100755");
    // Written in place: it has kept its mode.
    const inPlace = !change.mode && !change.removed && !change.placed && now?.type === "file";
    return inPlace ? probeAnswer("file", (now.mode & 0o100) !== 0) : undefined;
  }

  /** Stamped before the run by more than the clock's granularity: nobody changed it since. */
  #isOld(stat: Stat): boolean {
    const limit = this.#parts.start.startNs - CLOCK_GRANULARITY_NS;
    return stat.ctimeNs < limit && stat.mtimeNs < limit;
  }

  /** Same bytes and mode as HEAD, and not different at the start: whatever touched it left it as it was. */
  #equalsHead(path: InputPath, stat: Stat): boolean {
    const head = inWorkspace(path) ? this.#parts.start.head(path) : undefined;
    if (head === undefined) return false;
    const { kind, value } = answerAtHead(head);
    return stat.type === kind && this.#parts.world.ask({ kind, key: path }) === value;
  }

  /** A name that appeared during the run and that the run did not make: somebody else did, before or after the listing. */
  #hasForeign(folder: string, entries: ReadonlyMap<string, EntryType>): boolean {
    for (const [name, type] of entries) {
      const path = folder === "/" ? `/${name}` : `${folder}/${name}`;
      // A folder's times also move when the run works inside it.
      if (this.#changes.has(path) || (type === "dir" && this.#touched.has(path))) continue;
      const stat = this.#stat(path);
      if (stat === undefined || !this.#isOld(stat)) return true;
    }
    return false;
  }

  #stat(absolute: string): Stat | undefined {
    const stat = this.#parts.files.lstat(absolute);
    return stat instanceof Unreadable ? undefined : stat;
  }

  #modified(path: string): void {
    this.#gap({ kind: "input-modified", path });
  }

  #gap(gap: Gap): void {
    this.#gaps.set(`${gap.kind} ${JSON.stringify(gap)}`, gap);
  }
}

function onlyLinked(change: Change): boolean {
  return change.linked && !change.written && !change.removed && !change.placed && !change.mode;
}
