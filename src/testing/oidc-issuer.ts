// An issuer of OIDC tokens as GitHub's: a key set over HTTP, tokens with its claims, and the endpoint that a job asks with
// ACTIONS_ID_TOKEN_REQUEST_URL. Real keys, real sockets.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

export interface Issuer {
  /** Its name and address. */
  readonly url: string;
  readonly keySet: () => { readonly keys: readonly JWK[] };
  /** How often the key set was fetched. */
  readonly fetches: () => number;
  /** Answers 503 from now on, or serves again. */
  fail(on: boolean): void;
  /** What the runner puts into a job's environment. */
  readonly requestEnv: Readonly<Record<string, string>>;
  claims(more?: JWTPayload): JWTPayload;
  token(more?: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
  readonly privateKey: CryptoKey;
  /** New keys under a new id; the old id is gone. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

// 100 ms each: issuers of one process begin with the same key.
let firstPair: ReturnType<typeof generateKeyPair> | undefined;

export interface IssuerOptions {
  readonly audience: string;
  readonly now?: () => number;
}

export async function startIssuer({
  audience,
  now = () => Math.floor(Date.now() / 1000),
}: IssuerOptions): Promise<Issuer> {
  let kid = "key-1";
  let pair = await (firstPair ??= generateKeyPair("RS256", { extractable: true }));
  let failing = false;
  let fetches = 0;
  let count = 0;
  let url = "";
  const jwk = async (): Promise<JWK> => ({ ...(await exportJWK(pair.publicKey)), kid, use: "sig", alg: "RS256" });
  let keys: readonly JWK[] = [await jwk()];

  const claims = (more: JWTPayload = {}): JWTPayload => ({
    iss: url,
    aud: audience,
    sub: "repo:acme/shop:environment:production",
    jti: `jti-${++count}`,
    iat: now(),
    nbf: now() - 5,
    exp: now() + 300,
    repository: "acme/shop",
    repository_id: "456",
    repository_owner: "acme",
    repository_owner_id: "123",
    run_id: "4711",
    run_attempt: "1",
    actor: "octocat",
    workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
    job_workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
    event_name: "push",
    ref: "refs/heads/main",
    ref_type: "branch",
    runner_environment: "self-hosted",
    environment: "production",
    ...more,
  });
  const token = (more: JWTPayload = {}, header: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    new SignJWT(claims(more)).setProtectedHeader({ alg: "RS256", kid, typ: "JWT", ...header }).sign(pair.privateKey);

  const server: Server = createServer((request, response) => {
    const asked = new URL(request.url ?? "/", url);
    if (failing) return void response.writeHead(503).end();
    if (asked.pathname === "/.well-known/jwks") {
      fetches += 1;
      return void response.end(JSON.stringify({ keys }));
    }
    if (asked.pathname !== "/token" || request.headers.authorization !== "Bearer request-token")
      return void response.writeHead(403).end();
    const aud = asked.searchParams.get("audience") ?? "https://github.com/acme";
    token({ aud }).then(
      (value) => response.end(JSON.stringify({ count: value.length, value })),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    keySet: () => ({ keys }),
    fetches: () => fetches,
    fail: (on) => {
      failing = on;
    },
    requestEnv: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
    },
    claims,
    token,
    get privateKey() {
      return pair.privateKey;
    },
    async rotate() {
      kid = `key-${Number(kid.slice(4)) + 1}`;
      pair = await generateKeyPair("RS256", { extractable: true });
      keys = [await jwk()];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
