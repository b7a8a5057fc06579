// What strace says a command did with paths: the oracle for observers. Never a back end of ours.
import type { TraceEvent } from "../trace/event.ts";
import { syscallsOf } from "../trace/tables/table.ts";
import type { Located } from "./torture.ts";

/** Items are comparable texts; `calls` counts lines that named a path. */
export interface PathFacts {
  readonly calls: number;
  /** event type, string(s), errno name or "ok" */
  readonly items: ReadonlySet<string>;
  /** absolute path, "ok" or "error"; `..` and links not resolved */
  readonly absolute: ReadonlySet<string>;
  readonly listed: ReadonlySet<string>;
}

/** strace 6.1 with these sees every call that names a path. */
export const STRACE: readonly string[] =
  "strace -f --seccomp-bpf -y -qq -s 4096 -e signal=none -e trace=%file,getdents64,getdents".split(" ");

/** Below a filter that notifies: a call that stops for it does not stop for strace's own filter. */
export const STRACE_ALONE: readonly string[] = STRACE.filter((word) => word !== "--seccomp-bpf");

const calls = new Map(syscallsOf("x86-64").map(({ name, call }) => [name, call]));

export function straceFacts(text: string): PathFacts {
  const items = new Set<string>();
  const absolute = new Set<string>();
  const listed = new Set<string>();
  const unfinished = new Map<string, string>();
  let count = 0;
  for (const line of text.split("\n")) {
    const [, pid, rest = ""] = /^(\d+) +(.*)$/s.exec(line) ?? [];
    if (pid === undefined) continue;
    if (rest.endsWith(" <unfinished ...>")) {
      unfinished.set(pid, rest.slice(0, -" <unfinished ...>".length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(rest);
    const whole = resumed === null ? rest : (unfinished.get(pid) ?? "") + (resumed[1] ?? "");
    const match = /^(\w+)\((.*)\)\s+= (-?\d+|\?)(?:<[^>]*>)?(?: (E\w+))?/s.exec(whole);
    if (match === null) continue; // exits, and calls that never came back
    const [, name = "", args = "", , error] = match;
    // A restarted call comes back as one of its own.
    if (error?.startsWith("ERESTART") === true) continue;
    const kind = calls.get(name)?.kind;
    if (kind === "list") {
      const directory = /^\d+<((?:[^>\\]|\\.)*)>/.exec(args)?.[1];
      if (directory !== undefined && error === undefined) listed.add(unescape(directory));
      continue;
    }
    if (kind === undefined || !["open", "look", "change", "pair", "exec"].includes(kind)) continue;
    const strings = stringsOf(args, kind === "pair" ? 2 : 1);
    // "" is a descriptor that is known, NULL none at all, and a cut string cannot be compared.
    if (strings.length === 0 || strings[0] === "" || /"\.\.\./.test(args)) continue;
    if (error === "EFAULT" || error === "ENAMETOOLONG") continue;
    count++;
    items.add([kind, ...strings, error ?? "ok"].join("|"));
    if (kind === "pair") continue;
    const base = /^(?:AT_FDCWD|\d+)<((?:[^>\\]|\\.)*)>, "/.exec(args)?.[1];
    const [string = ""] = strings;
    if (string.startsWith("/")) absolute.add(`${string}|${error === undefined ? "ok" : "error"}`);
    else if (base !== undefined)
      absolute.add(`${joined(unescape(base), string)}|${error === undefined ? "ok" : "error"}`);
  }
  return { calls: count, items, absolute, listed };
}

/** The same of an observer's events. @param errnoName of a positive number */
export function eventFacts(located: readonly Located[], errnoName: (n: number) => string): PathFacts {
  const items = new Set<string>();
  const absolute = new Set<string>();
  const listed = new Set<string>();
  for (const { event, path, object } of located) {
    if (event.type === "list" && object !== undefined) listed.add(object);
    const strings = stringsIn(event);
    if (strings === undefined || !("outcome" in event)) continue;
    const outcome = event.outcome === undefined || event.outcome === 0 ? "ok" : errnoName(event.outcome);
    items.add([event.type, ...strings, outcome].join("|"));
    if (path !== undefined && event.type !== "pair") absolute.add(`${path}|${outcome === "ok" ? "ok" : "error"}`);
  }
  return { calls: located.length, items, absolute, listed };
}

function stringsIn(event: TraceEvent): readonly string[] | undefined {
  switch (event.type) {
    case "open":
    case "look":
    case "change":
      return [event.path.string];
    case "exec":
      return [event.file.string];
    case "pair":
      return [event.from.string, event.to.string];
    default:
      return undefined;
  }
}

const joined = (base: string, string: string): string => `${base === "/" ? "" : base}/${string}`;

function stringsOf(args: string, most: number): string[] {
  return [...args.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].slice(0, most).map(([, text = ""]) => unescape(text));
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f", a: "\x07", b: "\b" };

/** C escapes as strace writes them: octal for what is no printable ASCII. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{1,3}|.)/gs, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  );
}
