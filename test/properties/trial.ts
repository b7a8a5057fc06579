// One trial of the soundness property: a world, a program that is traced in it, edits of the world, and the truth about them.
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join, resolve } from "node:path";
import * as fc from "fast-check";
import type { ActionRecord } from "../../src/core/record.ts";
import { decodeOutputLog } from "../../src/core/output-log.ts";
import { compile } from "../../src/testing/compile.ts";
import { Sandbox } from "../../src/testing/sandbox.ts";
import { apply, type Edit, type Entry, fileText, put, snapshot, type Worlds } from "./world.ts";

export interface Case {
  readonly git: boolean;
  readonly tree: readonly Entry[];
  readonly program: readonly string[];
  readonly edits: readonly (readonly Edit[])[];
}

/**
 * @param edits lists of them for each program, each made to the world that the run left
 * @param maxEdits of one list
 */
export function cases({ tree, program, edit }: Worlds, edits: number, maxEdits: number): fc.Arbitrary<Case> {
  const list = fc.array(edit, { minLength: 1, maxLength: maxEdits });
  return fc.record({
    git: fc.boolean(),
    tree,
    program,
    edits: fc.array(list, { minLength: edits, maxLength: edits }),
  });
}

/** The program that does what its arguments say; or why it cannot be built here. */
export function actor(): string | { readonly unavailable: string } {
  return compile(resolve("test/fixtures/actor.c"), "gcc -O1 -w");
}

/** What a command leaves behind. */
export interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly tree: readonly string[];
}

export interface Truth {
  /** The world that the command finds: path -> what is there. */
  readonly before: ReadonlyMap<string, string>;
  readonly ran: Outcome;
}

export type Blobs = (digest: string) => Promise<Uint8Array | undefined>;

export class Trial implements Disposable {
  readonly box: Sandbox;
  readonly argv: readonly string[];
  readonly #given: Case;
  readonly #before: string;
  readonly #after: string;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(given: Case, actorProgram: string) {
    this.#given = given;
    this.box = new Sandbox(given.git);
    this.#before = join(this.box.folder, "before");
    this.#after = join(this.box.folder, "after");
    for (const item of given.tree) put(this.box.workspace, item);
    if (given.git) this.box.commit();
    this.#copy(this.box.workspace, this.#before);
    this.box.env = { ...this.box.env, LANGUAGE: "en" };
    this.#environment = this.box.env;
    this.argv = [actorProgram, ...given.program];
  }

  /** Call after the traced run: edits start from what it left. */
  ran(): void {
    this.#clear();
    this.#copy(this.box.workspace, this.#after);
  }

  /** The world after the run with one list of edits. The first is made in place, where unchanged files keep their stat. */
  *edited(): Generator<readonly Edit[]> {
    for (const [i, edits] of this.#given.edits.entries()) {
      this.#edit(edits, i > 0);
      yield edits;
    }
  }

  #edit(edits: readonly Edit[], anew: boolean): void {
    const { box } = this;
    if (edits.some(({ kind }) => kind === "fresh")) this.#copy(this.#before, box.workspace);
    else if (anew) this.#copy(this.#after, box.workspace);
    for (const change of edits) apply(box.workspace, change);
    const language = edits.findLast((change) => change.kind === "environment")?.value;
    box.env = language === undefined ? this.#environment : { ...this.#environment, LANGUAGE: language };
  }

  /**
   * What running gives in the world as edited, which itself stays as it is.
   * @param made the record of the run: what it created and is still there counts as not yet made
   */
  async run(made: ActionRecord, blobs: Blobs): Promise<Truth> {
    const { box, argv } = this;
    const edited = join(box.folder, "edited");
    this.#copy(box.workspace, edited);
    await unmake(box.workspace, made, blobs);
    const before = snapshot(box.workspace);
    const done = spawnSync(argv[0] ?? "", argv.slice(1), { cwd: box.workspace, env: box.env, encoding: "utf8" });
    this.#clear();
    const ran = { exit: done.status, stdout: done.stdout, tree: lines(snapshot(box.workspace)) };
    this.#copy(edited, box.workspace);
    return { before, ran };
  }

  /** Where links to "../a" lead: a temporary folder, and what is left there is nobody's result (docs/soundness.md). */
  #clear(): void {
    fs.rmSync(join(this.box.folder, "a"), { recursive: true, force: true });
  }

  #copy(from: string, to: string): void {
    fs.rmSync(to, { recursive: true, force: true });
    // fs.cpSync rounds times to the microsecond, and follows what it should not.
    execFileSync("cp", ["-a", from, to]);
  }

  [Symbol.dispose](): void {
    this.box[Symbol.dispose]();
  }
}

async function unmake(root: string, made: ActionRecord, blobs: Blobs): Promise<void> {
  const now = snapshot(root);
  for (const output of [...made.result.outputs].reverse()) {
    if (!output.created || now.get(output.path) !== (await textOf(output, blobs))) continue;
    try {
      if (output.type === "dir") fs.rmdirSync(join(root, output.path));
      else fs.rmSync(join(root, output.path));
    } catch {
      // A folder that holds something else.
    }
  }
}

/** What reusing a record leaves; `undefined`: replay refuses, since a folder is in the way, and the command runs. */
export async function skipped(
  before: ReadonlyMap<string, string>,
  record: ActionRecord,
  blobs: Blobs,
): Promise<Outcome | undefined> {
  const tree = new Map(before);
  for (const output of record.result.outputs) {
    const text = await textOf(output, blobs);
    if (tree.get(output.path) === "/" && text !== "/") return undefined;
    if (text !== undefined) tree.set(output.path, text);
    else for (const path of tree.keys()) if (`${path}/`.startsWith(`${output.path}/`)) tree.delete(path);
  }
  const log = decodeOutputLog((await blobs(record.result.output)) ?? new Uint8Array()) ?? [];
  const stdout = Buffer.concat(log.filter(({ stream }) => stream === "stdout").map(({ bytes }) => bytes)).toString();
  return { exit: 0, stdout, tree: lines(tree) };
}

async function textOf(
  { type, mode, content }: ActionRecord["result"]["outputs"][number],
  blobs: Blobs,
): Promise<string | undefined> {
  const bytes = content === undefined ? undefined : await blobs(content);
  switch (type) {
    case "dir":
      return "/";
    case "symlink":
      return `-> ${Buffer.from(bytes ?? []).toString()}`;
    case "file":
      return fileText((mode & 0o100) !== 0, Buffer.from(bytes ?? []).toString("latin1"));
    case "deleted":
      return undefined;
    default:
      return type satisfies never;
  }
}

function lines(tree: ReadonlyMap<string, string>): string[] {
  return [...tree].map(([path, text]) => `${path} ${text}`).sort();
}
