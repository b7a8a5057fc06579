// Turns the events of a back end into what the run asked of the world. Events are only collected while the command runs;
// paths are resolved at the end, when the world stands still and the mount tables are known (docs/decisions/0025).
import type { EntryType, Files } from "../../ports.ts";
import type { Bytes, PathRef, Seal, TraceEvent } from "../event.ts";
import { apply, O_CREAT, O_NOFOLLOW, O_TRUNC } from "./apply.ts";
import { changesOf } from "./changes.ts";
import { Effects } from "./effects.ts";
import { Emitter } from "./emit.ts";
import { readHeader } from "./executed.ts";
import { Gaps } from "./gaps.ts";
import { GitLedger } from "./git-ledger.ts";
import { Images } from "./image.ts";
import type { Interpreted } from "./interpreted.ts";
import { Locator } from "./locator.ts";
import { type AskClass, Log, MAX_ENTRIES } from "./log.ts";
import { Looks } from "./looks.ts";
import { Network } from "./network.ts";
import { Retrace } from "./retrace.ts";
import { Scene } from "./scene.ts";
import { Standing } from "./standing.ts";
import { sealGaps } from "./seal-gaps.ts";
import { parseSocketAddress } from "./socket-address.ts";

export interface InterpreterOptions {
  readonly files: Files;
  /** Text (latin1) of /proc/self/mountinfo of the caller, taken before the run. */
  readonly mountinfo: string;
  /** Inode number of the caller's mount namespace (stat of /proc/self/ns/mnt). */
  readonly mountNs: number;
  /** When the run started, to judge times. */
  readonly startNs: bigint;
  /** Absolute folders with names that differ in each run: what the run made there is not looked up as absent. */
  readonly tempRoots: readonly string[];
  /** What was at a path before the run, where the caller knows (git tree, list of untracked files); for changed paths only. */
  readonly before?: (path: string) => EntryType | "absent" | undefined;
  /** Sockets that are our own. */
  readonly ownSockets?: readonly string[];
}

/** The contract of `Interpreter`. */
export interface Interpreting {
  /** Cheap: interns and drops what was seen before. */
  onEvent(event: TraceEvent): void;
  /** Once. @param seal `undefined` if the observer died: then one of the gaps is `events-lost` */
  finish(seal: Seal | undefined): Interpreted;
}

export type MakeInterpreter = (options: InterpreterOptions) => Interpreting;

export const makeInterpreter: MakeInterpreter = (options) => new Interpreter(options);

const WRITES = 0o3;
const O_PATH = 0o10000000;
/** Of rmdir and rename: what is in a folder was asked. */
const ENOTEMPTY = 39;

class Interpreter implements Interpreting {
  readonly #options: InterpreterOptions;
  readonly #log = new Log();
  readonly #images = new Images("the command");
  readonly #network = new Network(this.#images);
  readonly #gaps = new Gaps();
  readonly #locator: Locator;
  readonly #standing = new Standing();
  #mountsMade = false;

  constructor(options: InterpreterOptions) {
    this.#options = options;
    this.#locator = new Locator(options);
  }

  onEvent(event: TraceEvent): void {
    this.#images.saw(event.pid);
    switch (event.type) {
      case "fork":
        this.#standing.forked(event.pid, event.child);
        return this.#images.forked(event.pid, event.child);
      case "exit":
        return this.#standing.exited(event.pid);
      case "exec":
        return this.#exec(event);
      case "look":
        return this.#look(event, this.#standing.path(event), event.class, event.noFollow, event.outcome);
      case "open":
        return this.#open(event);
      case "list":
      case "receive": {
        const { seq, mountNs, object, absolute } = event;
        return this.#log.handle({
          kind: event.type,
          seq,
          mountNs,
          object,
          absolute,
          image: this.#images.of(event.pid),
        });
      }
      case "change":
        // What failed changed nothing: it saw what was there.
        if (failed(event.outcome)) {
          const cls = event.outcome === ENOTEMPTY ? "watch" : "access";
          return this.#look(event, event.path, cls, event.noFollow, event.outcome);
        }
        this.#mountsMade ||= event.op === "umount";
        return this.#log.effect(this.#images.of(event.pid), event);
      case "pair":
        return this.#pair(event);
      case "connect":
        this.#network.onEvent(event);
        return this.#socketPath(event);
      case "bind":
      case "accept":
        return this.#network.onEvent(event);
      case "uring":
        return this.#gaps.add({ kind: "io-uring", pid: event.pid });
      case "forbidden":
        return this.#forbidden(event);
      default:
        return event satisfies never;
    }
  }

  #exec(event: Extract<TraceEvent, { type: "exec" }>): void {
    const { file, object, outcome, pid, seq, mountNs } = event;
    if (failed(outcome)) return this.#look(event, file, "exec", false, outcome);
    this.#standing.executed(event);
    // Now or never: a program that the run made may be gone before the end.
    const path = this.#locator.executed(event);
    const header = path === undefined ? undefined : readHeader(path, this.#options.files);
    const image = this.#images.executed(event, header?.isScript === true, this.#locator.cwd(event));
    const interpreter = event.interpreter === undefined ? undefined : beside(file, event.interpreter);
    this.#log.ask({
      seq,
      image,
      mountNs,
      path: file,
      class: "exec" as const,
      noFollow: false,
      outcome,
      flags: 0,
      object,
      interpreter,
      header,
    });
    this.#images.saw(pid);
  }

  #open(event: Extract<TraceEvent, { type: "open" }>): void {
    const { flags, outcome, path, object } = event;
    const image = this.#images.of(event.pid);
    const writes = (flags & O_PATH) === 0 && ((flags & (WRITES | O_TRUNC)) !== 0 || event.created === true);
    // O_CREAT on what is there already only reads it; a blind back end cannot tell.
    if (writes || (outcome === undefined && (flags & O_CREAT) !== 0)) {
      if (!failed(outcome)) return this.#log.effect(image, event);
      return this.#look(event, path, "access", (flags & O_NOFOLLOW) !== 0, outcome);
    }
    const { seq, mountNs } = event;
    const noFollow = (flags & O_NOFOLLOW) !== 0;
    this.#log.ask({ seq, image, mountNs, path, class: "read" as const, noFollow, outcome, flags, object });
  }

  #pair(event: Extract<TraceEvent, { type: "pair" }>): void {
    if (failed(event.outcome)) {
      if (event.op !== "symlink") this.#look(event, event.from, "access", true, undefined);
      return this.#look(event, event.to, event.outcome === ENOTEMPTY ? "watch" : "access", true, undefined);
    }
    this.#mountsMade ||= event.op !== "rename" && event.op !== "link" && event.op !== "symlink";
    this.#log.effect(this.#images.of(event.pid), event);
  }

  #look(
    { seq, pid, mountNs }: { readonly seq: number; readonly pid: number; readonly mountNs: number },
    path: PathRef,
    cls: AskClass,
    noFollow: boolean,
    outcome: number | undefined,
  ): void {
    this.#log.ask({ seq, image: this.#images.of(pid), mountNs, path, class: cls, noFollow, outcome, flags: 0 });
  }

  /** A socket is looked up by its path. */
  #socketPath(event: Extract<TraceEvent, { type: "connect" }>): void {
    const address = parseSocketAddress(event.address);
    if (address?.family !== "unix" || !address.path.startsWith("/")) return;
    this.#look(event, { string: address.path as Bytes, base: undefined }, "access", false, event.outcome);
  }

  #forbidden({ call, target }: Extract<TraceEvent, { type: "forbidden" }>): void {
    if (target !== 0 && this.#images.knows(target)) return;
    if (call.startsWith("syscall ")) this.#gaps.add({ kind: "events-lost", count: 1, what: call });
    else if (call.endsWith("RESOLVE_IN_ROOT")) this.#gaps.add({ kind: "unresolved-path", path: call });
    else this.#gaps.add({ kind: "untraced-process", argv0: call });
  }

  finish(seal: Seal | undefined): Interpreted {
    const { tempRoots, files, startNs, ownSockets, before } = this.#options;
    const scene = new Scene(this.#options, seal, this.#mountsMade);
    const looks = new Looks();
    const git = new GitLedger(files);
    const emit = new Emitter(scene, looks, git, this.#images, tempRoots);
    const retrace = new Retrace(scene, emit, files);
    const effects = new Effects(scene.model, {
      startNs,
      ...(before !== undefined && { before }),
      onUnsure: (slot) => emit.modified(slot),
    });
    const parts = { scene, retrace, effects, emit, git };
    const { entries } = this.#log;
    for (const entry of entries) if (entry.kind === "effect") apply(parts, entry);
    effects.restart();
    for (const entry of entries)
      if (entry.kind === "effect") apply(parts, entry);
      else if (entry.kind === "ask") retrace.ask(entry);
      else retrace.handle(entry);
    const changes = changesOf(scene, effects, this.#options);
    const talked = this.#network.finish(seal?.names ?? {}, ownSockets ?? []);
    const asked = git.finish(this.#images.all);
    const lost = this.#log.dropped + this.#network.dropped;
    const gaps = new Gaps();
    for (const gap of [...this.#gaps.all, ...sealGaps(seal), ...scene.gaps.all, ...talked.gaps, ...asked.gaps])
      gaps.add(gap);
    if (lost > 0) gaps.add({ kind: "events-lost", count: lost, what: `more than ${MAX_ENTRIES} distinct events` });
    return {
      looks: looks.all,
      changes,
      gitCalls: asked.calls,
      connections: talked.connections,
      gaps: gaps.all,
      processes: this.#images.all,
    };
  }
}

function failed(outcome: number | undefined): boolean {
  return outcome !== undefined && outcome !== 0;
}

/** The interpreter's name is said as the script's was: relative to the working directory. */
function beside({ base, baseAbsolute, root }: PathRef, string: Bytes): PathRef {
  const absolute = string.startsWith("/");
  return {
    string,
    base: absolute ? undefined : base,
    ...(baseAbsolute !== undefined && !absolute && { baseAbsolute }),
    ...(root !== undefined && { root }),
  };
}
