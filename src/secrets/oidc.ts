// Who asks? A job's OIDC token, verified: the only thing on a runner that a job cannot make up. jose does the cryptography; the
// form is held tighter than it does: one text for one token, a named key, no extensions (docs/secrets.md, "OIDC").
import { type CryptoKey, errors, jwtVerify, type JWTPayload } from "jose";
import { CONDITION_KEYS, type JobClaims, REPO_PROPERTY } from "../core/access.ts";
import { clip } from "./audit-line.ts";
import { fromBase64 } from "./bytes.ts";

export const ALGORITHM = "RS256";
/** GitHub's tokens have about 2 kB. */
export const MAX_TOKEN_BYTES = 8192;

const REQUIRED = [
  "exp",
  "iat",
  "jti",
  "repository",
  "repository_id",
  "repository_owner_id",
  "run_id",
  "workflow_ref",
  "event_name",
  "ref",
];

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  /** Seconds. */
  readonly maxAge: number;
  readonly tolerance: number;
}

/** Keys by id. `unavailable`: nobody could be asked, which is no answer about the token. */
export type KeysById = (kid: string) => Promise<CryptoKey | undefined | "unavailable">;

export interface VerifiedToken {
  readonly claims: JobClaims;
  /** For the audit log: ids and names, clipped. */
  readonly actor: Readonly<Record<string, string>>;
  readonly repositoryId: string;
  readonly jti: string;
  /** Unix seconds. */
  readonly exp: number;
}

export type TokenFault = { readonly fault: string; readonly unavailable?: true };

/** @param nowSeconds the broker's time, not the token's */
export async function verifyToken(
  token: string,
  keys: KeysById,
  rules: TokenRules,
  nowSeconds: number,
): Promise<VerifiedToken | TokenFault> {
  const key = await keyOf(token, keys);
  if ("fault" in key) return key;
  let payload: JWTPayload;
  try {
    ({ payload } = await jwtVerify(token, key.key, {
      algorithms: [ALGORITHM],
      issuer: rules.issuer,
      audience: rules.audience,
      requiredClaims: REQUIRED,
      maxTokenAge: rules.maxAge,
      clockTolerance: rules.tolerance,
      currentDate: new Date(nowSeconds * 1000),
    }));
  } catch (error) {
    return { fault: error instanceof errors.JOSEError ? clip(error.message) : "not a token" };
  }
  return judge(payload);
}

/** The key that must have signed, for a token of exactly our form. Nothing of the token is believed yet. */
export async function keyOf(token: string, keys: KeysById): Promise<{ readonly key: CryptoKey } | TokenFault> {
  if (token.length > MAX_TOKEN_BYTES) return { fault: "too long" };
  const parts = token.split(".");
  // jose skips padding, white space and unused bits: many texts for one token.
  const bytes = parts.map((part) => fromBase64(part, "base64url"));
  if (parts.length !== 3 || bytes.includes(undefined)) return { fault: "not a compact token in canonical base64url" };
  let header: Readonly<Record<string, unknown>>;
  try {
    header = JSON.parse(bytes[0]?.toString("utf8") ?? "") as Readonly<Record<string, unknown>>;
  } catch {
    return { fault: "header is not JSON" };
  }
  if (typeof header !== "object" || header === null) return { fault: "header is not an object" };
  if (header["alg"] !== ALGORITHM) return { fault: `algorithm is not ${ALGORITHM}` };
  if ("crit" in header || "b64" in header) return { fault: "header asks for an extension" };
  const kid = header["kid"];
  if (typeof kid !== "string" || kid === "") return { fault: "header names no key" };
  const key = await keys(kid);
  if (key === "unavailable") return { fault: "the issuer's keys are unavailable", unavailable: true };
  return key === undefined ? { fault: "unknown key" } : { key };
}

/** What an unverified token says of itself, for the log of a refusal alone. */
export function unverifiedClaims(token: string): Readonly<Record<string, string>> {
  try {
    const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<
      string,
      unknown
    >;
    return actorOf(payload);
  } catch {
    return {};
  }
}

function judge(payload: JWTPayload): VerifiedToken | TokenFault {
  const text = (name: string): string => {
    const value = payload[name];
    return typeof value === "string" ? value : "";
  };
  // jose takes a list; a token for two audiences is a token for somebody else too.
  if (typeof payload.aud !== "string") return { fault: "more than one audience" };
  const numeric = ["repository_id", "repository_owner_id", "run_id"].every((name) => /^[0-9]{1,20}$/.test(text(name)));
  if (!numeric) return { fault: "an id is not a number" };
  if (["jti", "repository", "workflow_ref", "event_name", "ref"].some((name) => text(name) === ""))
    return { fault: "a claim is not text" };
  const workflow = text("workflow_ref").split("@refs/");
  if (workflow.length !== 2) return { fault: "workflow_ref names no single ref" };
  const [path = "", ref = ""] = workflow;
  // A workflow that an organisation requires lives in another repository: then no workflow scope of this one fits.
  const prefix = `${text("repository")}/`;
  const conditions = Object.entries(payload).filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === "string" &&
      ((CONDITION_KEYS as readonly string[]).includes(entry[0]) || entry[0].startsWith(REPO_PROPERTY)),
  );
  const environment = text("environment");
  return {
    repositoryId: text("repository_id"),
    jti: text("jti"),
    exp: payload.exp ?? 0,
    actor: actorOf(payload),
    claims: {
      repositoryId: text("repository_id"),
      ownerId: text("repository_owner_id"),
      ...(path.startsWith(prefix) && { workflowPath: path.slice(prefix.length) }),
      workflowRef: `refs/${ref}`,
      ...(environment !== "" && { environment }),
      eventName: text("event_name"),
      conditions: Object.fromEntries(conditions),
    },
  };
}

const LOGGED = [
  "repository",
  "repository_id",
  "repository_owner_id",
  "ref",
  "workflow_ref",
  "event_name",
  "environment",
  "run_id",
  "run_attempt",
  "actor",
];

/** Never `sub`: its form changed in July 2026 and can be customised. */
function actorOf(payload: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    LOGGED.flatMap((name) => {
      const value = payload[name];
      return typeof value === "string" ? [[name, clip(value)]] : [];
    }),
  );
}
