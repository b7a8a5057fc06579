// What observers are measured on: a compile, a type check, a test run, and a walk that does nothing but look.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Workload {
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
}

/** @param scratch an empty folder; @param repository this one, with its node_modules */
export function workloads(scratch: string, repository: string): Workload[] {
  return [
    { name: "trivial", argv: ["true"], cwd: scratch },
    { name: "compile", argv: ["make", "-s", "-j2", "-B"], cwd: compileTree(join(scratch, "c"), 40) },
    {
      name: "typecheck",
      argv: [process.execPath, join(repository, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", "."],
      cwd: repository,
    },
    {
      name: "tests",
      argv: [process.execPath, join(repository, "node_modules/vitest/vitest.mjs"), "run", "src/core", "src/config"],
      cwd: repository,
    },
    { name: "walk", argv: ["find", ".", "-size", "+100"], cwd: fileTree(join(scratch, "t"), 50_000) },
  ];
}

/** C files with the usual system headers and ten of their own; a library and a program. */
function compileTree(folder: string, files: number): string {
  mkdirSync(join(folder, "include"), { recursive: true });
  const headers = Array.from({ length: 10 }, (_, i) => `h${i}.h`);
  for (const [i, name] of headers.entries())
    writeFileSync(join(folder, "include", name), `#pragma once\nstatic inline int f${i}(int x) { return x + ${i}; }\n`);
  const system = "stdio stdlib string stdint errno unistd fcntl math time pthread sys/stat sys/types".split(" ");
  const include = [...system.map((s) => `#include <${s}.h>`), ...headers.map((h) => `#include "${h}"`)].join("\n");
  const body = (i: number): string =>
    Array.from(
      { length: 40 },
      (_, k) =>
        `int g${i}_${k}(int x) { char b[64]; snprintf(b, 64, "%d", x); return f${k % 10}((int)strlen(b)) * ${k}; }`,
    ).join("\n");
  for (let i = 0; i < files; i++) writeFileSync(join(folder, `m${i}.c`), `${include}\n${body(i)}\n`);
  writeFileSync(join(folder, "main.c"), "#include <stdio.h>\nint g0_1(int);\nint main(void) { return g0_1(1) < 0; }\n");
  const objects = Array.from({ length: files }, (_, i) => `m${i}.o`).join(" ");
  writeFileSync(
    join(folder, "Makefile"),
    `CFLAGS = -O1 -Iinclude\nprog: main.o libm.a\n\t$(CC) -o $@ $^\nlibm.a: ${objects}\n\trm -f $@ && ar rc $@ $^\n`,
  );
  return folder;
}

function fileTree(folder: string, files: number): string {
  for (let d = 0; d < files / 100; d++) {
    const at = join(folder, `d${d % 10}`, `e${d}`);
    mkdirSync(at, { recursive: true });
    for (let f = 0; f < 100; f++) writeFileSync(join(at, `f${f}`), "");
  }
  return folder;
}
