// The runtime token of a job as the services read it: who runs, and which cache scopes it may read and write. Clients do not
// verify it, and neither does the double: what matters here is what it says.
export interface CacheScope {
  readonly scope: string;
  readonly read: boolean;
  readonly write: boolean;
}

export interface RuntimeToken {
  /** Back-end ids of the run and the job: GUIDs, not the numbers of the REST API. */
  readonly run: string;
  readonly job: string;
  /** Own scope first, then the base of a pull request, then the default branch. */
  readonly scopes: readonly CacheScope[];
}

/** As GitHub words it: `ac` is JSON in a string, 1 reads and 2 writes. */
export function encodeRuntimeToken({ run, job, scopes }: RuntimeToken): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const ac = scopes.map(({ scope, read, write }) => ({
    Scope: scope,
    Permission: (read ? 1 : 0) + (write ? 2 : 0),
  }));
  const payload = {
    scp: `Actions.GenericRead:0 Actions.Results:${run}:${job} Actions.UploadArtifacts:0`,
    ac: JSON.stringify(ac),
    exp: 4_102_444_800,
  };
  return `${part({ alg: "RS256", typ: "JWT" })}.${part(payload)}.${Buffer.from("signature").toString("base64url")}`;
}

export function decodeRuntimeToken(header: string | undefined): RuntimeToken | undefined {
  const [, middle] = (header ?? "").replace(/^Bearer /, "").split(".");
  try {
    const { scp, ac } = JSON.parse(Buffer.from(middle ?? "", "base64url").toString()) as { scp: string; ac: string };
    const [, run = "", job = ""] = /Actions\.Results:([^: ]+):([^: ]+)/.exec(scp) ?? [];
    const scopes = JSON.parse(ac) as { Scope: string; Permission: number }[];
    return {
      run,
      job,
      scopes: scopes.map(({ Scope, Permission }) => ({
        scope: Scope,
        read: (Permission & 1) !== 0,
        write: (Permission & 2) !== 0,
      })),
    };
  } catch {
    return undefined;
  }
}
