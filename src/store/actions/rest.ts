// GitHub's REST API as the layers and the trust rules ask it: GET, one try, bounded. What it says of runs and artifacts is a
// statement of GitHub; anything it does not say is a StoreError with a code.
import { type Answer, exchange, type HttpParts, jsonObject } from "./http.ts";
import { failed, garbage } from "./results-service.ts";

export interface RestParts extends HttpParts {
  /** "https://api.github.com" */
  readonly apiUrl: string;
  /** "owner/name" */
  readonly repository: string;
  readonly token: string;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * @param path below the repository: "actions/runs/1"
 * @returns the object or list that is answered; undefined: 404
 */
export async function getJson(parts: RestParts, path: string): Promise<unknown> {
  const answer = await get(parts, path);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw failed(parts.layer, answer);
  try {
    return JSON.parse(Buffer.from(answer.body).toString("utf8"));
  } catch {
    throw garbage(parts.layer);
  }
}

/** As `getJson`, for endpoints that answer with an object. */
export async function getObject(
  parts: RestParts,
  path: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const answer = await get(parts, path);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw failed(parts.layer, answer);
  const object = jsonObject(answer);
  if (object === undefined) throw garbage(parts.layer);
  return object;
}

/** @returns where the endpoint redirects to, without the token; undefined: it is gone (404, 410) */
export async function getLocation(parts: RestParts, path: string): Promise<string | undefined> {
  const answer = await get(parts, path);
  if (answer.status === 404 || answer.status === 410) return undefined;
  const location = answer.headers.get("location") ?? "";
  if (answer.status !== 302 || !/^https?:\/\//.test(location)) throw failed(parts.layer, answer);
  return location;
}

function get(parts: RestParts, path: string): Promise<Answer> {
  return exchange(parts, `${parts.apiUrl}/repos/${parts.repository}/${path}`, {
    method: "GET",
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${parts.token}`,
      "x-github-api-version": "2022-11-28",
    },
    maxBytes: MAX_ANSWER_BYTES,
  });
}

/** GitHub's ids: numbers on the wire, text with us. */
export function idText(value: unknown): string | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? String(value) : undefined;
}
