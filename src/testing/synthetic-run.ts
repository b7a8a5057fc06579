// A run without a process: does things to a real folder and tells them as a back end would, one that sees outcomes or one that
// is blind to them. What it looked at can be stated exactly, which of a real program nobody can.
import fs from "node:fs";
import { nodeFiles } from "../node/ports.ts";
import type { Bytes, FileObject, LookClass, PathRef, Seal, TraceEvent } from "../trace/event.ts";
import type { Interpreted } from "../trace/interpret/interpreted.ts";
import { type Interpreting, type InterpreterOptions, makeInterpreter } from "../trace/interpret/interpreter.ts";

/** One disk and procfs: paths inside the disk are absolute paths. */
export const ONE_DISK = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /proc rw - proc proc rw\n";
export const DISK = 8 * 2 ** 20 + 1;

export const CLEAN_SEAL: Seal = {
  backend: "ebpf",
  kernel: "6.18.0",
  events: 0,
  lost: {},
  alive: [],
  mounts: [],
  names: {},
};

const O_WRONLY = 1;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
export const FLAGS = { O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND };

export class SyntheticRun {
  readonly folder: string;
  readonly #blind: boolean;
  readonly #interpreter: Interpreting;
  readonly events: TraceEvent[] = [];
  pid = 100;
  #seq = 0;

  constructor(folder: string, options: { readonly blind: boolean } & Partial<InterpreterOptions>) {
    const { blind, ...more } = options;
    this.folder = folder;
    this.#blind = blind;
    this.#interpreter = makeInterpreter({
      files: nodeFiles,
      mountinfo: ONE_DISK,
      mountNs: 1,
      startNs: BigInt(Date.now()) * 1_000_000n,
      tempRoots: [],
      ...more,
    });
  }

  tell(
    event: TraceEvent extends infer E ? (E extends TraceEvent ? Omit<E, "seq" | "pid" | "mountNs"> : never) : never,
  ): void {
    const whole = { ...event, seq: this.#seq++, pid: this.pid, mountNs: 1 } as TraceEvent;
    this.events.push(whole);
    this.#interpreter.onEvent(whole);
  }

  finish(seal: Partial<Seal> | undefined = {}): Interpreted {
    return this.#interpreter.finish(seal === undefined ? undefined : { ...CLEAN_SEAL, ...seal });
  }

  /** Of the looks at the folder, "kind path", in order. */
  looks(result: Interpreted = this.finish()): string[] {
    const own = result.looks.filter(({ path }) => path === this.folder || path.startsWith(`${this.folder}/`));
    return own.map(({ kind, path }) => `${kind} ${path.slice(this.folder.length + 1) || "."}`);
  }

  exec(argv: readonly string[], file = argv[0] ?? "", cwd = this.folder): void {
    const path: PathRef = { string: file as Bytes, base: object(cwd) };
    this.tell({ type: "exec", file: path, argv: argv as Bytes[], outcome: this.#blind ? undefined : 0 });
  }

  look(cls: LookClass, path: string, noFollow = false): void {
    const whole = this.#whole(path);
    const outcome = attempt(() => {
      if (cls === "readlink") fs.readlinkSync(whole);
      else if (noFollow) fs.lstatSync(whole);
      else fs.statSync(whole);
    });
    this.tell({ type: "look", class: cls, path: this.#ref(path), noFollow, outcome: this.#outcome(outcome) });
  }
  stat(path: string): void {
    this.look("stat", path);
  }
  lstat(path: string): void {
    this.look("stat", path, true);
  }
  access(path: string): void {
    this.look("access", path);
  }
  readlink(path: string): void {
    this.look("readlink", path, true);
  }

  read(path: string): void {
    this.#open(path, 0, undefined);
  }
  /** @param flags beside O_WRONLY */
  write(path: string, text = "made", flags = O_CREAT | O_TRUNC): void {
    this.#open(path, O_WRONLY | flags, text);
  }

  #open(path: string, flags: number, text: string | undefined): void {
    const whole = this.#whole(path);
    const created = (flags & O_CREAT) !== 0 && statOf(whole) === undefined;
    let found: FileObject | undefined;
    const outcome = attempt(() => {
      const fd = fs.openSync(whole, flags, 0o644);
      if (text !== undefined) fs.writeSync(fd, text);
      found = object(fs.realpathSync(`/proc/self/fd/${fd}`));
      fs.closeSync(fd);
    });
    const seen = this.#blind || found === undefined ? {} : { object: found };
    this.tell({ type: "open", path: this.#ref(path), flags, outcome: this.#outcome(outcome), created, ...seen });
  }

  list(path: string): void {
    this.read(path);
    const whole = fs.realpathSync(this.#whole(path));
    fs.readdirSync(whole);
    this.tell({ type: "list", ...(this.#blind ? { absolute: whole as Bytes } : { object: object(whole) }) });
  }

  mkdir(path: string): void {
    this.#change("mkdir", path, (whole) => fs.mkdirSync(whole));
  }
  unlink(path: string): void {
    this.#change("unlink", path, (whole) => fs.unlinkSync(whole));
  }
  rmdir(path: string): void {
    this.#change("rmdir", path, (whole) => fs.rmdirSync(whole));
  }
  chmod(path: string, mode: number): void {
    this.#change("chmod", path, (whole) => fs.chmodSync(whole, mode));
  }
  #change(op: "mkdir" | "unlink" | "rmdir" | "chmod", path: string, act: (whole: string) => void): void {
    const whole = this.#whole(path);
    const existed = statOf(whole, op !== "chmod") !== undefined;
    const outcome = attempt(() => act(whole));
    const more = this.#blind ? { existed } : {};
    this.tell({
      type: "change",
      op,
      path: this.#ref(path),
      noFollow: op !== "chmod",
      outcome: this.#outcome(outcome),
      ...more,
    });
  }

  rename(from: string, to: string): void {
    this.#pair("rename", from, to, () => fs.renameSync(this.#whole(from), this.#whole(to)));
  }
  link(from: string, to: string): void {
    this.#pair("link", from, to, () => fs.linkSync(this.#whole(from), this.#whole(to)));
  }
  symlink(target: string, path: string): void {
    this.#pair("symlink", target, path, () => fs.symlinkSync(target, this.#whole(path)));
  }
  #pair(op: "rename" | "link" | "symlink", from: string, to: string, act: () => void): void {
    const before = {
      fromExisted: statOf(this.#whole(from), true) !== undefined,
      toExisted: statOf(this.#whole(to), true) !== undefined,
    };
    const outcome = this.#outcome(attempt(act));
    const first = op === "symlink" ? { string: from as Bytes, base: undefined } : this.#ref(from);
    this.tell({ type: "pair", op, from: first, to: this.#ref(to), outcome, ...(this.#blind && before) });
  }

  #whole(path: string): string {
    // Not join(), which takes ".." before links.
    return path.startsWith("/") ? path : `${this.folder}/${path}`;
  }

  #outcome(errno: number): number | undefined {
    return this.#blind ? undefined : errno;
  }

  #ref(path: string): PathRef {
    const string = path as Bytes;
    if (this.#blind)
      return { string, base: undefined, baseAbsolute: (path.startsWith("/") ? "/" : this.folder) as Bytes };
    return { string, base: object(path.startsWith("/") ? "/" : this.folder) };
  }
}

/** As a back end with identities sees it. */
export function object(path: string): FileObject {
  const stat = statOf(path);
  return { dev: DISK, ino: stat?.ino ?? 0n, path: path as Bytes, mode: Number(stat?.mode ?? 0) };
}

function statOf(path: string, noFollow = false): fs.BigIntStats | undefined {
  try {
    return (noFollow ? fs.lstatSync : fs.statSync)(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** @returns errno, 0 for success */
function attempt(act: () => void): number {
  try {
    act();
    return 0;
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    return Math.abs(errno);
  }
}
