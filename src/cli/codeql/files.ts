// Files of the sarif commands: read bounded, write whole or not at all.
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MAX_SARIF_BYTES, type ReadSarif, readSarif } from "../../codeql/sarif/read.ts";
import { ForegoneError } from "../../core/errors.ts";
import { findWorkspace } from "../../memo/workspace.ts";
import { nodeFiles } from "../../node/ports.ts";
import { Unreadable } from "../../ports.ts";
import type { CliContext, Parsed } from "../command.ts";

/** The checkout as folder and as URI with a slash at its end. */
export function checkoutOf(
  context: CliContext,
  parsed: Parsed,
): { readonly checkout: string; readonly checkoutUri: string } {
  const given = parsed.values.get("checkout");
  const checkout =
    given === undefined
      ? findWorkspace(context.cwd, context.env, nodeFiles).roots.workspace
      : resolve(context.cwd, given);
  return { checkout, checkoutUri: folderUri(checkout) };
}

export function folderUri(folder: string): string {
  const { href } = pathToFileURL(folder);
  return href.endsWith("/") ? href : `${href}/`;
}

/** @param maxBytes of JSON; gzipped files are taken too. @throws ForegoneError if the file cannot be read at all */
export function readSarifFile(context: CliContext, file: string, maxBytes = MAX_SARIF_BYTES): ReadSarif {
  let fd: number | undefined;
  try {
    fd = openSync(resolve(context.cwd, file), constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new ForegoneError("E_NOT_FOUND", `"${file}" is no regular file`);
    if (stat.size > maxBytes) return { kind: "refused", code: "over-limit", why: `${stat.size} bytes` };
    return readSarif(readFileSync(fd), maxBytes);
  } catch (error) {
    if (error instanceof ForegoneError) throw error;
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw new ForegoneError("E_NOT_FOUND", `cannot read "${file}" (${code})`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** @throws ForegoneError E_NOT_FOUND; larger than 256 MiB counts as not readable */
export function readWholeFile(path: string): Uint8Array {
  const bytes = nodeFiles.read(path);
  if (bytes === undefined) throw new ForegoneError("E_NOT_FOUND", `no file "${path}"`);
  if (bytes instanceof Unreadable) throw new ForegoneError("E_NOT_FOUND", `cannot read "${path}" (${bytes.code})`);
  return bytes;
}

/** A regular file of the checkout; symlinks are not followed out of it. */
export function readableFile(checkout: string, path: string): Uint8Array | undefined {
  // The path is relative and normal (sarif/locate.ts): resolve() would cost as much as reading.
  const bytes = nodeFiles.read(`${checkout}/${path}`);
  return bytes instanceof Unreadable ? undefined : bytes;
}

/** To `--out` through a temporary file beside it, or to stdout. */
export async function writeResult(context: CliContext, parsed: Parsed, text: string): Promise<void> {
  const out = parsed.values.get("out");
  if (out === undefined) {
    await new Promise<void>((done, fail) =>
      context.stdout.write(`${text}\n`, (error) => (error ? fail(error) : done())),
    );
    return;
  }
  writeWhole(resolve(context.cwd, out), text);
}

/** @throws ForegoneError E_STORE: disk full, no such folder; what was there before is then still there */
export function writeWhole(path: string, text: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw new ForegoneError("E_STORE", `cannot write "${path}" (${code})`, { cause: error });
  }
}
