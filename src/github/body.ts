// What a body says about keeping and trusting it. Pure.
import type { SafeHeaders } from "./candidate.ts";

/** Pieces of text that are, or carry, a right of their own. A body with one is never stored; a false alarm costs a read. */
const CREDENTIALS: readonly Buffer[] = [
  "ghs_",
  "ghp_",
  "gho_",
  "ghu_",
  "ghr_",
  "github_pat_",
  "?token=",
  "&token=",
  '"token":',
  "-----BEGIN ",
  "X-Amz-Signature=",
  "X-Amz-Credential=",
  "&sig=",
  "?sig=",
  "temp_download_token",
  "encoded_jit_config",
  '"client_secret"',
  '"webhook_secret"',
].map((text) => Buffer.from(text));

export function holdsCredential(body: Buffer): boolean {
  return CREDENTIALS.some((needle) => body.includes(needle));
}

const DEFAULT_PER_PAGE = 30;

/**
 * A full page with nothing announced behind it. An item added behind it changes `Link` and not the body, so a 304 would hide
 * it (app-sre/github-mirror #113, #290): such a page is always asked for whole. Lists with a total_count change with it.
 */
export function isEdge(path: string, headers: SafeHeaders, body: Buffer): boolean {
  if (body[0] !== 0x5b || /rel="?next"?/.test(headers.link ?? "")) return false;
  const perPage = Number(/[?&]per_page=(\d+)/.exec(path)?.[1] ?? DEFAULT_PER_PAGE);
  const items = countItems(body);
  return items === undefined || (items > 0 && items >= perPage);
}

function countItems(body: Buffer): number | undefined {
  try {
    return (JSON.parse(body.toString()) as unknown[]).length;
  } catch {
    return undefined;
  }
}
