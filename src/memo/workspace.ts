// Where we stand: the workspace (the git work tree around the command's folder, else that folder) and the named roots.
import type { Roots } from "../core/input-path.ts";
import type { Files } from "../ports.ts";
import { Unreadable } from "../ports.ts";

export interface Workspace {
  readonly roots: Roots;
  /** The git directory, absolute; undefined outside git. */
  readonly gitDir: string | undefined;
}

/** Finds the work tree by walking up, as git does, without starting git: a hit must not pay for a process. */
export function findWorkspace(cwd: string, env: Readonly<Record<string, string>>, files: Files): Workspace {
  const named = {
    ...optional("home", env["HOME"]),
    ...optional("temp", env["RUNNER_TEMP"]),
    ...optional("toolCache", env["RUNNER_TOOL_CACHE"]),
  };
  for (let folder = cwd; ; folder = parent(folder)) {
    const gitDir = gitDirOf(folder, files);
    if (gitDir !== undefined) return { roots: { workspace: folder, ...named }, gitDir };
    if (folder === "/") return { roots: { workspace: cwd, ...named }, gitDir: undefined };
  }
}

function gitDirOf(folder: string, files: Files): string | undefined {
  const path = folder === "/" ? "/.git" : `${folder}/.git`;
  const stat = files.lstat(path);
  if (stat === undefined || stat instanceof Unreadable) return undefined;
  if (stat.type === "dir") return path;
  // A worktree or submodule: a file that says "gitdir: PATH".
  const bytes = files.read(path, 4096);
  if (bytes === undefined || bytes instanceof Unreadable) return undefined;
  const target = /^gitdir: (.+)\n?$/.exec(Buffer.from(bytes).toString())?.[1];
  if (target === undefined) return undefined;
  return target.startsWith("/") ? target : normalise(`${folder}/${target}`);
}

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

export function parent(path: string): string {
  const at = path.lastIndexOf("/");
  return at <= 0 ? "/" : path.slice(0, at);
}

function optional<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  if (value === undefined || !value.startsWith("/")) return {};
  const trimmed = value.length > 1 ? value.replace(/\/+$/, "") : value;
  return { [name]: trimmed } as { [P in K]?: string };
}

export function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
