// Which program a scanner's command line starts: behind npx, an entry of node_modules/.bin; else by path or PATH.
import { realpathSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { nodeFiles } from "../../node/ports.ts";
import { Unreadable } from "../../ports.ts";
import type { CliContext } from "../command.ts";

/** `npx [options] eslint ...`, `node_modules/.bin/eslint ...`, `python3 -m x` stays what it is. */
export function behindRunner(argv: readonly string[]): { readonly tool: string; readonly rest: readonly string[] } {
  const [first = "", ...rest] = argv;
  if (baseName(first) !== "npx") return { tool: first, rest };
  const at = rest.findIndex((word) => !word.startsWith("-"));
  return at < 0 ? { tool: first, rest } : { tool: `npx:${rest[at] ?? ""}`, rest: rest.slice(at + 1) };
}

export function baseName(program: string): string {
  return program
    .slice(Math.max(program.lastIndexOf("/"), program.lastIndexOf(":")) + 1)
    .replace(/\.(?:[cm]?js|py|exe)$/, "");
}

export function programOf(tool: string, context: CliContext): string | undefined {
  const name = tool.replace(/^npx:/, "");
  const candidates = name.includes("/") ? [resolve(context.cwd, name)] : [];
  if (candidates.length === 0) {
    if (tool.startsWith("npx:"))
      for (let folder = context.cwd; ; folder = resolve(folder, "..")) {
        candidates.push(join(folder, "node_modules/.bin", name));
        if (folder === "/") break;
      }
    else for (const folder of (context.env["PATH"] ?? "").split(delimiter)) candidates.push(join(folder, name));
  }
  for (const candidate of candidates) {
    const stat = nodeFiles.lstat(candidate);
    if (stat === undefined || stat instanceof Unreadable || stat.type === "dir") continue;
    try {
      return realpathSync(candidate);
    } catch {
      // A dangling link: the next one.
    }
  }
  return undefined;
}
