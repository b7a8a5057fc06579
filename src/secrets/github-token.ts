// The weaker way to be known: a GITHUB_TOKEN that reads a private repository now. Anybody reads a public one, so those prove
// nothing; a person's token may read many, so it is off unless a broker's owner allows it.

const TIMEOUT_MS = 5000;
const MAX_BYTES = 256 * 1024;

export interface PrivateRepository {
  readonly repository: string;
  readonly repositoryId: string;
  readonly ownerId: string;
}

/** @returns undefined unless the token, asked now, reads that very repository and it is private */
export async function privateRepository(
  api: string,
  token: string,
  repository: string,
): Promise<PrivateRepository | undefined> {
  if (!/^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9._-]{1,100}$/.test(repository) || !/^[\x21-\x7e]+$/.test(token))
    return undefined;
  try {
    const answer = await fetch(`${api}/repos/${repository}`, {
      headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json", "user-agent": "foregone" },
      // A renamed repository answers with a redirect: then the name is no longer that repository's.
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = answer.status === 200 ? await answer.text() : "";
    if (text === "" || text.length > MAX_BYTES) return undefined;
    const found = JSON.parse(text) as {
      readonly id?: unknown;
      readonly full_name?: unknown;
      readonly private?: unknown;
      readonly owner?: { readonly id?: unknown };
    };
    const [id, owner] = [found.id, found.owner?.id];
    const same = typeof found.full_name === "string" && found.full_name.toLowerCase() === repository.toLowerCase();
    if (!same || found.private !== true || !Number.isSafeInteger(id) || !Number.isSafeInteger(owner)) return undefined;
    return { repository, repositoryId: String(id), ownerId: String(owner) };
  } catch {
    return undefined;
  }
}
