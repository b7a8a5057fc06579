// Where an input lies, independent of the machine: workspace-relative, or below a named root. "/"-separated, normalised.

/** "src/a.ts", "." (the workspace itself), "$HOME/.npmrc", "$TEMP/x", "$TOOLCACHE/node/20/bin/node", or absolute: "/usr/bin/env". */
export type InputPath = string & { readonly __brand: "InputPath" };

/** Absolute, normalised folders without a trailing slash. The first match in the order written here wins. */
export interface Roots {
  readonly workspace: string;
  readonly temp?: string;
  readonly toolCache?: string;
  readonly home?: string;
}

const NAMED = [
  ["$TEMP", "temp"],
  ["$TOOLCACHE", "toolCache"],
  ["$HOME", "home"],
] as const;

/** @param absolute normalised absolute path */
export function toInputPath(absolute: string, roots: Roots): InputPath {
  const inWorkspace = below(absolute, roots.workspace);
  if (inWorkspace === "") return "." as InputPath;
  // A workspace entry that looks like a named root ("$HOME") is told apart by "./".
  if (inWorkspace !== undefined) return (inWorkspace.startsWith("$") ? `./${inWorkspace}` : inWorkspace) as InputPath;
  for (const [name, root] of NAMED) {
    const folder = roots[root];
    if (folder === undefined) continue;
    const rest = below(absolute, folder);
    if (rest !== undefined) return (rest === "" ? name : `${name}/${rest}`) as InputPath;
  }
  return absolute as InputPath;
}

/** @returns undefined if the path's named root does not exist here: nobody can look, which is a miss */
export function toAbsolute(path: InputPath, roots: Roots): string | undefined {
  if (path.startsWith("/")) return path;
  if (path === ".") return roots.workspace;
  for (const [name, root] of NAMED) {
    if (path !== name && !path.startsWith(`${name}/`)) continue;
    const folder = roots[root];
    return folder === undefined ? undefined : folder + path.slice(name.length);
  }
  return `${roots.workspace === "/" ? "" : roots.workspace}/${path.startsWith("./") ? path.slice(2) : path}`;
}

/** True for a path in the workspace (relative in the sense of this file). */
export function inWorkspace(path: InputPath): boolean {
  return !path.startsWith("/") && !path.startsWith("$");
}

function below(path: string, folder: string): string | undefined {
  if (path === folder) return "";
  const prefix = folder === "/" ? "/" : `${folder}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}
