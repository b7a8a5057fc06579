// Which file of the checkout a SARIF location names. A relative URI counts from the repository root, as GitHub has it;
// a base (`uriBaseId`) matters only if it lies inside the checkout.
import { asArray, asObject, asText, at, type Loose } from "./look.ts";

export type Where =
  /** "/"-separated, normalised, relative to the checkout; "" is the checkout itself. */
  | { readonly kind: "inside"; readonly path: string }
  | { readonly kind: "outside"; readonly uri: string }
  /** No URI, or one that cannot be decoded. */
  | { readonly kind: "nowhere" };

const NOWHERE: Where = { kind: "nowhere" };

/**
 * @param location a SARIF artifactLocation
 * @param checkoutUri "file:///home/runner/work/a/a/"; `undefined`: then every absolute URI is outside
 */
export function locate(location: unknown, run: Loose, checkoutUri: string | undefined): Where {
  let uri = asText(at(location, "uri"));
  let baseId = asText(at(location, "uriBaseId"));
  if (uri === undefined) {
    const index = at(location, "index");
    const artifact = typeof index === "number" ? asObject(asArray(run["artifacts"])[index]) : undefined;
    uri = asText(at(artifact, "location", "uri"));
    baseId = asText(at(artifact, "location", "uriBaseId"));
  }
  if (uri === undefined) return NOWHERE;
  const root = checkoutUri === undefined ? undefined : pathOfFileUri(checkoutUri);
  const absolute = absolutePath(uri);
  if (absolute !== undefined) {
    const below = root === undefined ? undefined : belowRoot(absolute, root);
    return below === undefined ? { kind: "outside", uri } : inside(below, uri);
  }
  if (/^[A-Za-z][A-Za-z0-9+.-]+:/.test(uri)) return { kind: "outside", uri };
  return inside(baseInside(baseId, run, root) + decoded(uri), uri);
}

/** "file:///C:/a b/" and the like -> "C:/a b/"; "/" paths keep their slash. `undefined`: not a local file URI. */
export function pathOfFileUri(uri: string): string | undefined {
  const match = /^file:\/{0,2}(?:localhost(?=\/))?(\/.*)$/i.exec(uri);
  if (match?.[1] === undefined) return undefined;
  const path = decoded(match[1]).replace(/^\/+/, "/");
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}

function absolutePath(uri: string): string | undefined {
  if (/^file:/i.test(uri)) return pathOfFileUri(uri) ?? uri;
  if (uri.startsWith("/") || /^[A-Za-z]:[\\/]/.test(uri)) return decoded(uri);
  return uri.startsWith("\\") ? decoded(uri) : undefined;
}

function baseInside(baseId: string | undefined, run: Loose, root: string | undefined): string {
  let prefix = "";
  // A chain of bases may be a circle; real ones have two links.
  for (let steps = 0; baseId !== undefined && steps < 8; steps++) {
    const base = asObject(at(run, "originalUriBaseIds", baseId));
    const uri = asText(base?.["uri"])?.trim();
    if (uri !== undefined) {
      const absolute = absolutePath(uri);
      if (absolute !== undefined) return (root === undefined ? "" : (belowRoot(absolute, root) ?? "")) + prefix;
      prefix = decoded(uri) + prefix;
    }
    baseId = asText(base?.["uriBaseId"]);
  }
  return prefix;
}

function belowRoot(path: string, root: string): string | undefined {
  const slash = path.replaceAll("\\", "/");
  const folder = root.endsWith("/") ? root : `${root}/`;
  // Windows drives are told in either case.
  const equal = /^[A-Za-z]:/.test(folder)
    ? slash.slice(0, folder.length).toLowerCase() === folder.toLowerCase()
    : slash.startsWith(folder);
  if (equal) return slash.slice(folder.length);
  return `${slash}/` === folder ? "" : undefined;
}

function inside(path: string, uri: string): Where {
  const parts: string[] = [];
  for (const part of path.replaceAll("\\", "/").split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return { kind: "outside", uri };
  }
  const clean = parts.join("/");
  return clean.includes("\0") ? NOWHERE : { kind: "inside", path: clean };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
