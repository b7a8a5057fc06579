// Scopes as people type them, with names, into scopes with ids: asked from GitHub once, when a credential is set.
import { ForegoneError } from "../../core/errors.ts";
import { parseScope, type Scope, splitOnce } from "../../core/scope.ts";
import type { CliContext } from "../command.ts";

export interface NamedScope {
  readonly scope: Scope;
  /** What was typed, if it was not already the id. */
  readonly name?: string;
}

const TIMEOUT_MS = 10_000;
const SHAPES =
  "global, owner:NAME, repo:OWNER/NAME, workflow:OWNER/NAME:PATH[@REF-GLOB], environment:OWNER/NAME:NAME, runner:ID; ids instead of names work offline";

/** @throws ForegoneError E_USAGE for what is no scope, E_NOT_FOUND if GitHub does not know the name */
export async function resolveScope(context: CliContext, text: string): Promise<NamedScope> {
  const known = parseScope(text);
  if (known !== undefined) return { scope: known };
  const [kind, rest] = splitOnce(text, ":");
  if (kind === "owner" && /^[A-Za-z0-9-]{1,39}$/.test(rest))
    return named(`owner:${await askId(context, `users/${rest}`)}`, rest);
  const [repository, more] = splitOnce(rest, ":");
  if (["repo", "workflow", "environment"].includes(kind) && /^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(repository)) {
    const id = await askId(context, `repos/${repository}`);
    return named(more === "" ? `${kind}:${id}` : `${kind}:${id}:${more}`, repository);
  }
  throw new ForegoneError("E_USAGE", `"${text}" is not a scope`, { hint: SHAPES });
}

function named(text: string, name: string): NamedScope {
  const scope = parseScope(text);
  if (scope === undefined) throw new ForegoneError("E_USAGE", `"${text}" is not a scope`, { hint: SHAPES });
  return { scope, name };
}

async function askId({ env }: CliContext, path: string): Promise<number> {
  const api = env["GITHUB_API_URL"] ?? "https://api.github.com";
  const token = env["GH_TOKEN"] ?? env["GITHUB_TOKEN"];
  let status: number | string = "no answer";
  try {
    const answer = await fetch(`${api}/${path}`, {
      headers: {
        accept: "application/vnd.github+json",
        "user-agent": "foregone",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      // A moved name answers with a redirect: the id behind it is somebody's, but is it the one meant?
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { id } = answer.status === 200 ? ((await answer.json()) as { readonly id?: unknown }) : {};
    if (Number.isSafeInteger(id)) return id as number;
    status = answer.status;
  } catch (error) {
    status = error instanceof Error ? error.message : String(error);
  }
  throw new ForegoneError("E_NOT_FOUND", `GitHub gave no id for ${path} (${status})`, {
    hint: "set GH_TOKEN if it is private, or write the id: gh api repos/OWNER/NAME --jq .id",
  });
}
