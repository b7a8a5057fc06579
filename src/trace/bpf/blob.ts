// The committed BPF program: native/README.md says what is in it and how it is built.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";

export interface Blob {
  /** In the order of the loader's context. */
  readonly maps: readonly string[];
  readonly programs: readonly string[];
  /** Data and instructions of the loader program. */
  readonly data: Buffer;
  readonly instructions: Buffer;
  /** The ELF file that the self-test runs. */
  readonly canary: Buffer;
}

export type Variant = "full" | "no-uring";

const ARCH: Partial<Record<NodeJS.Architecture, string>> = { x64: "x86_64" };

/** The native folder of the package, seen from sources, bundles and chunks alike. */
export function blobPath(variant: Variant, from = import.meta.dirname): string | undefined {
  const arch = ARCH[process.arch];
  if (arch === undefined) return undefined;
  const name = join("native", `trace.${arch}${variant === "full" ? "" : `.${variant}`}.json.gz`);
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** @throws Error with a sentence, if there is no blob for this machine or it is damaged */
export function readBlob(variant: Variant): Blob {
  const path = blobPath(variant);
  if (path === undefined) throw new Error(`no BPF program for ${process.arch}`);
  return parseBlob(readFileSync(path));
}

/** @throws Error if anything is missing: a truncated download must not become a strange errno later */
export function parseBlob(gz: Uint8Array): Blob {
  let json: unknown;
  try {
    json = JSON.parse(gunzipSync(gz).toString("latin1"));
  } catch (error) {
    throw new Error(`the BPF program is damaged: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const { maps, programs, data, instructions, canary } = json as Record<string, unknown>;
  if (!isNames(maps) || !isNames(programs) || ![data, instructions, canary].every((v) => typeof v === "string"))
    throw new Error("the BPF program is damaged: a part is missing");
  const bytes = (text: unknown): Buffer => Buffer.from(text as string, "base64");
  return { maps, programs, data: bytes(data), instructions: bytes(instructions), canary: bytes(canary) };
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === "string");
}
