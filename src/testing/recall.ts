// Does an observer see every path that strace shows of the same run? strace inside, the observer outside.
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Observer } from "../trace/observer.ts";
import { locate } from "./locate.ts";
import { losses, see } from "./observer.contract.ts";
import { eventFacts, STRACE, STRACE_ALONE, straceFacts } from "./strace.ts";

export interface Program {
  readonly name: string;
  /** Prepares its folder. */
  readonly prepare?: (folder: string) => void;
  readonly argv: readonly string[];
}

export interface Recall {
  readonly name: string;
  readonly calls: number;
  readonly unique: { readonly items: number; readonly absolute: number; readonly listed: number };
  readonly missing: readonly string[];
  readonly exitCode: number | undefined;
  readonly losses: Readonly<Record<string, number>>;
}

const repository = resolve(".");
const sh = (script: string): readonly string[] => ["sh", "-c", script];
const repoFiles =
  (...names: readonly string[]) =>
  (folder: string): void => {
    for (const name of names) if (existsSync(name)) cpSync(name, join(folder, name), { recursive: true });
  };

/** Real programs, on this repository's own files where they need some. */
export const programs: readonly Program[] = [
  {
    name: "make and gcc",
    prepare(folder) {
      repoFiles("test/fixtures")(folder);
      writeFileSync(
        join(folder, "Makefile"),
        "all: torture stress\n%: test/fixtures/%.c\n\t$(CC) -O1 -w -pthread -save-temps=obj $< -o $@\n",
      );
    },
    argv: ["make", "-j2"],
  },
  { name: "node", argv: [process.execPath, "-e", 'require("node:fs").readdirSync("."); import("node:https")'] },
  { name: "python", argv: ["python3", "-c", "import json, asyncio, unittest, xml.dom, sqlite3, email"] },
  {
    name: "git",
    prepare: repoFiles("src/core", "docs"),
    argv: sh(
      "git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm one && git status --short && " +
        "git log --stat | tail -3 && git checkout -qb two && git mv docs d && git stash -q && git gc -q",
    ),
  },
  { name: "find", argv: ["find", join(repository, "src"), "-newer", join(repository, "package.json"), "-ls"] },
  {
    name: "sh pipelines",
    prepare: repoFiles("src/core"),
    argv: sh(
      "for f in src/core/*.ts; do sort $f | uniq -c | sort -n | head -1 >out.$(basename $f); done; cat out.* | wc -l; " +
        "mkdir -p a/b && cd a && ln -s ../src link && ls link/core | tee list && mv list b/ && cp -r b c && rm -rf b; " +
        "tar cf t.tar c && tar tf t.tar && (cd c && for i in 1 2 3; do sed -i s/a/b/ list; done) & wait",
    ),
  },
  {
    name: "tsc",
    prepare: repoFiles("src/core", "src/ports.ts", "tsconfig.json"),
    argv: [
      join(repository, "node_modules/.bin/tsc"),
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--target",
      "es2023",
      "--module",
      "nodenext",
      "--allowImportingTsExtensions",
      "--types",
      "node",
      "--typeRoots",
      join(repository, "node_modules/@types"),
      "src/core/gap.ts",
      "src/core/errors.ts",
    ],
  },
  {
    name: "vitest",
    prepare(folder) {
      repoFiles("src/core", "src/ports.ts", "src/node")(folder);
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    },
    argv: sh(`ln -s ${repository}/node_modules node_modules && node_modules/.bin/vitest run src/core/observation`),
  },
  { name: "perl", argv: ["perl", "-MFile::Find", "-MPOSIX", "-e", 'find(sub { -s }, "/usr/share/perl5")'] },
  {
    name: "go (static)",
    prepare: goSource,
    argv: sh("GOCACHE=$PWD/cache GOFLAGS=-mod=mod CGO_ENABLED=0 go vet main.go"),
  },
];

function goSource(folder: string): void {
  writeFileSync(join(folder, "main.go"), 'package main\nimport "os"\nfunc main() { os.Stat("/x") }\n');
}

export async function recall(observer: Observer, program: Program): Promise<Recall> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-recall-")));
  const work = join(folder, "work");
  const log = join(folder, "strace.txt");
  try {
    cpSync(mkdtempSync(join(folder, "empty-")), work, { recursive: true });
    program.prepare?.(work);
    const blind = observer.name === "notify";
    const strace = blind ? STRACE_ALONE : STRACE;
    const seen = await see(observer, [...strace, "-o", log, ...program.argv], {
      cwd: work,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, GOTOOLCHAIN: "local" },
    });
    const truth = straceFacts(readFileSync(log, "latin1"));
    const names = new Map(Object.entries(constants.errno).map(([name, n]) => [n as number, name]));
    names.set(constants.errno.EAGAIN, "EAGAIN").set(constants.errno.EOPNOTSUPP, "EOPNOTSUPP");
    const found = eventFacts(
      seen.events.map((event) => locate(event, seen.seal)),
      (n) => names.get(n) ?? String(n),
    );
    const missing = (["items", "absolute", "listed"] as const).flatMap((set) => {
      const comparable = blind && set !== "listed" ? withoutOutcome : (item: string) => item;
      const known = new Set([...found[set]].map(comparable));
      return [...truth[set]]
        .filter((item) => !known.has(comparable(item)) && !(blind && isOwnMagic(item)))
        .map((item) => `${set}: ${item}`);
    });
    return {
      name: program.name,
      calls: truth.calls,
      unique: { items: truth.items.size, absolute: truth.absolute.size, listed: truth.listed.size },
      missing,
      exitCode: seen.exit.kind === "exited" ? seen.exit.code : undefined,
      losses: losses(seen.seal),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** For back ends that do not see outcomes. */
const withoutOutcome = (item: string): string => item.slice(0, item.lastIndexOf("|"));

/** Told as what it leads to. */
const isOwnMagic = (item: string): boolean => /(?:^|\|)(?:\/proc\/(?:self|thread-self)|\/dev\/(?:fd|std))/.test(item);
