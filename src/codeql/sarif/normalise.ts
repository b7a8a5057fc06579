// What of a SARIF log is kept: what the tool found. Where and how it ran goes, so that the log means the same on every
// machine: absolute paths below the checkout become relative, machine and process facts are dropped. In place.
import type { ArtifactLocation, Log, Run } from "sarif";
import { locate, pathOfFileUri } from "./locate.ts";
import type { Loose } from "./look.ts";

/** Facts of an invocation that say nothing about the code, or may hold a secret. */
const INVOCATION_FACTS = [
  "account",
  "arguments",
  "commandLine",
  "environmentVariables",
  "executableLocation",
  "machine",
  "processId",
  "responseFiles",
] as const;

/** @param log has passed `judge`; it is changed */
export function normalise(log: Log, checkoutUri: string | undefined): void {
  for (const run of log.runs) {
    for (const invocation of run.invocations ?? [])
      for (const name of INVOCATION_FACTS) Reflect.deleteProperty(invocation, name);
    for (const extension of run.tool.extensions ?? []) dropAbsoluteLocations(extension);
    dropAbsoluteLocations(run.tool.driver);
    if (checkoutUri !== undefined)
      forEachLocation(run, (location) => {
        if (location.uri === undefined || !/^(?:file:|\/|[A-Za-z]:[\\/])/i.test(location.uri)) return;
        const where = locate({ uri: location.uri }, run as unknown as Loose, checkoutUri);
        if (where.kind !== "inside") return;
        location.uri = where.path === "" ? "." : encodePath(where.path);
        location.uriBaseId = "%SRCROOT%";
      });
  }
}

/** Every artifactLocation of a run but the bases, in any depth. Property bags are the tool's own and left alone. */
export function forEachLocation(run: Run, visit: (location: ArtifactLocation) => void): void {
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) return value.forEach(walk);
    for (const [name, inner] of Object.entries(value)) {
      if (name === "properties" || name === "originalUriBaseIds" || name === "tool") continue;
      walk(inner);
    }
    const { uri, index } = value as { uri?: unknown; index?: unknown };
    if (typeof uri === "string" || (typeof index === "number" && "uriBaseId" in value))
      visit(value as ArtifactLocation);
  };
  walk(run);
}

/** A path as the relative part of a URI. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** `uri` moved from one checkout to another; unchanged if it does not lie in the first. */
export function moveUri(uri: string, from: string, to: string): string {
  const path = pathOfFileUri(uri);
  const root = pathOfFileUri(from)?.replace(/\/$/, "");
  if (path === undefined || root === undefined || !`${path}/`.startsWith(`${root}/`)) return uri;
  const rest = path.slice(root.length + 1);
  const base = to.endsWith("/") ? to : `${to}/`;
  return base + encodePath(rest);
}

function dropAbsoluteLocations(component: Run["tool"]["driver"]): void {
  const kept = component.locations?.filter(
    ({ uri }) => uri === undefined || !/^[A-Za-z][A-Za-z0-9+.-]*:|^\//.test(uri),
  );
  if (kept === undefined) return;
  if (kept.length === 0) delete component.locations;
  else component.locations = kept;
}
