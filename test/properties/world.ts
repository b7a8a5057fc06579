// Random small worlds for the soundness property: a tree, a program over it (test/fixtures/actor.c), and edits.
import * as fc from "fast-check";
import fs from "node:fs";
import { dirname, join } from "node:path";

export type Entry =
  | { readonly path: string; readonly type: "file"; readonly content: string; readonly executable: boolean }
  | { readonly path: string; readonly type: "dir" }
  | { readonly path: string; readonly type: "symlink"; readonly target: string };

export type Edit =
  | { readonly kind: "put"; readonly entry: Entry }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "touch"; readonly path: string }
  /** Other bytes, of the same number, under the old modification time: what tar, rsync and `touch -r` can do. */
  | { readonly kind: "sneak"; readonly path: string }
  | { readonly kind: "environment"; readonly value: string }
  /** All as it was before the run, as in a fresh checkout: what the other edits of the list change comes after. */
  | { readonly kind: "fresh" };

const OUTPUTS = ["o", "o/a", "o/b", "od"] as const;
const content = fc.constantFrom("", "1", "2", "33", "#!/bin/sh\ncat a 2>/dev/null\n", "#!/bin/sh\nexit 1\n");

export interface Worlds {
  readonly tree: fc.Arbitrary<readonly Entry[]>;
  /** Arguments of the actor. It makes its output folder first, as a build does. */
  readonly program: fc.Arbitrary<readonly string[]>;
  readonly edit: fc.Arbitrary<Edit>;
}

/** Where inputs live; most programs write below `o` only. */
export const INPUTS = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "d/l", "x.sh"] as const;
/** So few that most edits hit what the program looked at. */
export const FEW_INPUTS = ["a", "d", "d/a", "l", "x.sh"] as const;

/** @param maxOperations of a program */
export function worlds(inputs: readonly string[], maxOperations: number): Worlds {
  const input = fc.constantFrom(...inputs);
  const links = inputs.filter((path) => /^(?:l|d\/l|b|d\/e)$/.test(path));
  const entry: fc.Arbitrary<Entry> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ path: input, type: fc.constant("file" as const), content, executable: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ path: input, type: fc.constant("dir" as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        path: fc.constantFrom(...links),
        type: fc.constant("symlink" as const),
        target: fc.constantFrom("a", "d", "d/a", "../a", "e", "nowhere", "l", ".", "../d/b"),
      }),
    },
  );
  const look = fc
    .tuple(
      fc.constantFrom("r", "s", "l", "a", "k", "d"),
      fc.oneof(
        { weight: 2, arbitrary: input },
        { weight: 1, arbitrary: fc.constantFrom(".", "l/a", "l/b", "d/l/a", "d/../b", "a/below", "none") },
      ),
    )
    .map(([op, path]) => op + path);
  const write = fc.oneof(
    fc
      .tuple(fc.constantFrom("w", "+"), fc.constantFrom("o/a", "o/b"), content)
      .map(([op, path, text]) => `${op}${path}=${text.replaceAll("\n", " ")}`),
    fc.constantFrom("mo", "no/a=o/b", "uo/a", "yo/b=a", "ho/a=o/b", "ro/a", "do", "xx.sh", "eLANGUAGE", "x./x.sh"),
    // A command that changes its own inputs, and one that goes elsewhere. It comes back at once from above the workspace ("w"):
    // that lies in a temporary folder, and what is left there is nobody's result (docs/soundness.md).
    fc.constantFrom("wa=9", "+b=9", "na=b", "nd=a", "ud/a", "ua", "za", "zd", "cd", "c../w"),
  );
  const operation = fc
    .tuple(fc.constantFrom("", "", "?", "!"), fc.oneof({ weight: 3, arbitrary: look }, { weight: 2, arbitrary: write }))
    .map(([guard, text]) => guard + text);
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("put" as const), entry }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("remove" as const),
        path: fc.oneof(input, fc.constantFrom(...OUTPUTS)),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("rename" as const), from: input, to: input }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("touch" as const), path: input }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("sneak" as const), path: input }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("fresh" as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("environment" as const), value: fc.constantFrom("en", "fr") }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("put" as const),
        entry: fc.record({
          path: fc.constantFrom("o/a", "o/b", "o/new"),
          type: fc.constant("file" as const),
          content,
          executable: fc.boolean(),
        }),
      }),
    },
  );
  return {
    tree: fc.array(entry, { minLength: 2, maxLength: 12 }),
    program: fc.array(operation, { minLength: 1, maxLength: maxOperations }).map((ops) => ["mo", ...ops]),
    edit,
  };
}

/** Whole seconds, the same for all: no decider can tell two contents of one size by it. */
const PUT_AT = 1_000_000_000;

/** Puts an entry there, in place of what is there; what the file system refuses is left out. */
export function put(root: string, item: Entry): void {
  const path = join(root, item.path);
  try {
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.rmSync(path, { recursive: true, force: true });
    if (item.type === "dir") fs.mkdirSync(path);
    else if (item.type === "symlink") fs.symlinkSync(item.target, path);
    else {
      fs.writeFileSync(path, item.content);
      fs.chmodSync(path, item.executable ? 0o755 : 0o644);
      fs.utimesSync(path, PUT_AT, PUT_AT);
    }
  } catch {
    // A file where a folder is needed, a dangling link as parent: then this edit does nothing.
  }
}

/** Edits of the tree; `environment` and `fresh` are the caller's. */
export function apply(root: string, change: Edit): void {
  try {
    switch (change.kind) {
      case "put":
        return put(root, change.entry);
      case "remove":
        return fs.rmSync(join(root, change.path), { recursive: true, force: true });
      case "rename":
        return fs.renameSync(join(root, change.from), join(root, change.to));
      case "touch":
        return fs.utimesSync(join(root, change.path), 1, 1);
      case "sneak":
        return sneak(join(root, change.path));
      case "environment":
      case "fresh":
        return;
      default:
        return change satisfies never;
    }
  } catch {
    // As above.
  }
}

function sneak(path: string): void {
  fs.writeFileSync(path, "z".repeat(fs.statSync(path).size));
  fs.utimesSync(path, PUT_AT, PUT_AT);
}

/** Everything below a folder but `.git`: path -> type, x bit, content, target. */
export function snapshot(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (path: string): void => {
    for (const name of fs.readdirSync(join(root, path)).sort()) {
      if (path === "." && name === ".git") continue;
      const below = join(path, name);
      const stat = fs.lstatSync(join(root, below));
      if (stat.isSymbolicLink()) found.set(below, `-> ${fs.readlinkSync(join(root, below))}`);
      else if (stat.isFile())
        found.set(below, fileText((stat.mode & 0o100) !== 0, fs.readFileSync(join(root, below), "latin1")));
      else if (stat.isDirectory()) {
        found.set(below, "/");
        walk(below);
      }
    }
  };
  walk(".");
  return found;
}

export function fileText(executable: boolean, latin1: string): string {
  return `${executable ? "x" : "-"} ${latin1}`;
}
