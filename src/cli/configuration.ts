// The configuration as a command sees it: files above its folder, its environment, its own options.
import { join } from "node:path";
import { describe } from "../config/issue.ts";
import { type LoadOptions, loadConfig } from "../config/load.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import { nodeFiles, nodeHasher, nodeRunner } from "../node/ports.ts";
import { textCache } from "../node/text-cache.ts";
import { storeRoot } from "../store/open.ts";
import type { CliContext } from "./command.ts";
import { VERSION } from "./version.ts";

/**
 * @throws ForegoneError E_CONFIG: `run` then runs without skipping; other commands stop with exit code 2
 */
export function configurationOf(
  context: Pick<CliContext, "cwd" | "env">,
  flags?: LoadOptions["flags"],
): Promise<ResolvedConfig> {
  const home = context.env["HOME"];
  const caches = context.env["XDG_CACHE_HOME"] ?? (home === undefined ? undefined : join(home, ".cache"));
  const ports = {
    files: nodeFiles,
    hasher: nodeHasher,
    runner: nodeRunner,
    ...(caches !== undefined && { cache: textCache(join(caches, "foregone", "config")) }),
  };
  return loadConfig(ports, context.cwd, context.env, { version: VERSION, ...(flags && { flags }) });
}

/** Absolute. A configured folder, else what the environment says. @throws StoreError ENOHOME */
export function storeRootOf(context: Pick<CliContext, "cwd" | "env">, { config, origins }: ResolvedConfig): string {
  return origins.has("store.directory")
    ? expandPath(config["store.directory"], context)
    : storeRoot(context.env, context.cwd);
}

/** One line a note on stderr; each is shown once per command, not per layer. */
export function printNotes(context: CliContext, { notes }: ResolvedConfig): void {
  for (const note of notes) {
    context.stderr.write(`foregone: note: ${describe(note)}\n`);
    if (note.hint !== undefined) context.stderr.write(`foregone: hint: ${note.hint}\n`);
  }
}

/** `~/x` -> the user's folder; other paths are relative to the command's folder. */
export function expandPath(path: string, context: Pick<CliContext, "cwd" | "env">): string {
  const home = context.env["HOME"];
  if (home !== undefined && (path === "~" || path.startsWith("~/"))) return join(home, path.slice(1));
  return path.startsWith("/") ? path : join(context.cwd, path);
}

/** A context whose settings no repository can write: no file of the folder it was started in is read. */
export function withoutRepository<T extends Pick<CliContext, "cwd" | "env">>(context: T): T {
  const named = context.env["FOREGONE_CONFIG"];
  const env = named === undefined || named === "" ? {} : { FOREGONE_CONFIG: expandPath(named, context) };
  return { ...context, cwd: "/", env: { ...context.env, ...env } };
}
