// Builds native/trace.<arch>.json.gz from native/*.c: npm run build:bpf. Needs clang-16, llvm-16, bpftool and libbpf-dev
// (Debian 12: apt-get install clang-16 llvm-16 bpftool libbpf-dev); nothing of them is needed at run time. The result is
// the same bytes in every folder and on every machine with these versions; src/trace/bpf/blob.test.ts rebuilds and compares.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "fflate";

const native = resolve(import.meta.dirname, "../native");
const [outDir = native] = process.argv.slice(2);
const clang = process.env["CLANG"] ?? "clang-16";
const strip = process.env["LLVM_STRIP"] ?? "llvm-strip-16";
const work = mkdtempSync(join(tmpdir(), "foregone-bpf-"));

/** Kernels before 6.3 have no `io_uring_submit_req`: the second blob does without, and io_uring itself becomes a gap there. */
const VARIANTS = [
  { name: "trace.x86_64", define: [] },
  { name: "trace.x86_64.no-uring", define: ["-DNO_IO_URING"] },
];

try {
  const canary = buildCanary();
  for (const { name, define } of VARIANTS) {
    const blob = { ...buildProgram(define), canary: canary.toString("base64") };
    const gz = gzipSync(Buffer.from(JSON.stringify(blob)), { level: 9, mtime: 0 });
    writeFileSync(join(outDir, `${name}.json.gz`), gz);
    process.stdout.write(`${name}.json.gz: ${blob.programs.length} programs, ${gz.length} bytes\n`);
  }
} finally {
  rmSync(work, { recursive: true });
}

/** @param {string} tool @param {string[]} args @returns {Buffer} */
function run(tool, args) {
  return execFileSync(tool, args, { cwd: native, stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 << 20 });
}

/** @param {string[]} define */
function buildProgram(define) {
  // The skeleton and the map names take the object's file name, hence always the same one.
  const object = join(work, "trace.bpf.o");
  run(clang, [
    ..."-g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -Wall -Werror -Wno-missing-declarations".split(" "),
    // Line information in BTF would hold the build folder.
    `-ffile-prefix-map=${native}=.`,
    "-fdebug-compilation-dir=.",
    ...define,
    "-c",
    "trace.bpf.c",
    "-o",
    object,
  ]);
  run(strip, ["-g", object]);
  return parseSkeleton(run("bpftool", ["gen", "skeleton", "-L", object, "name", "trace"]).toString("latin1"));
}

function buildCanary() {
  const file = join(work, "canary");
  const flags =
    "-target x86_64-linux-gnu -O2 -ffreestanding -fno-stack-protector -fno-pic -nostdlib -static -Wall -Werror " +
    "-Wl,--build-id=none -Wl,-z,noseparate-code -s";
  run(clang, [...flags.split(" "), "canary.c", "-o", file]);
  return readFileSync(file);
}

/**
 * A light skeleton is two byte strings (the loader program and its data) and the order of maps and programs: no libbpf
 * is needed to use it. Parses the text that bpftool 7.1 prints.
 * @param {string} text
 */
function parseSkeleton(text) {
  const data = Buffer.alloc(Number(/opts.data_sz = (\d+)/.exec(text)?.[1]));
  literal(text, 'opts.data = (void *)"').copy(data);
  const instructions = literal(text, 'opts.insns = (void *)"');
  if (instructions.length !== Number(/opts.insns_sz = (\d+)/.exec(text)?.[1])) throw new Error("insns: length differs");
  const names = (/** @type {string} */ type) =>
    [...text.matchAll(new RegExp(`struct ${type} (\\w+);`, "g"))].map((m) => m[1]);
  return {
    maps: names("bpf_map_desc"),
    programs: names("bpf_prog_desc"),
    data: data.toString("base64"),
    instructions: instructions.toString("base64"),
  };
}

/** A C string literal, as bytes. @param {string} text @param {string} tag */
function literal(text, tag) {
  const at = text.indexOf(tag);
  if (at < 0) throw new Error(`no ${tag}`);
  /** @type {number[]} */
  const out = [];
  for (let p = text.indexOf('"', at) + 1; text[p] !== '"';) {
    if (text[p] !== "\\") {
      out.push(text.charCodeAt(p++));
      continue;
    }
    const next = text[p + 1];
    if (next === "\n") p += 2;
    else if (next === "0") {
      out.push(0);
      p += 2;
    } else if (next === "x") {
      const hex = /^[0-9a-f]{1,2}/i.exec(text.slice(p + 2, p + 4))?.[0] ?? "";
      out.push(Number.parseInt(hex, 16));
      p += 2 + hex.length;
    } else throw new Error(`unknown escape \\${next}`);
  }
  return Buffer.from(out);
}
