// What the run made: the files a replay puts back. Everything in the workspace that the run left changed; nothing it cleaned up.
import { type Digest, sha256Of } from "../core/digest.ts";
import { compareUtf8 } from "../core/canonical.ts";
import type { Gap } from "../core/gap.ts";
import { type InputPath, type Roots, toInputPath } from "../core/input-path.ts";
import type { OutputFile } from "../core/record.ts";
import { type Files, type Hasher, type Stat, Unreadable } from "../ports.ts";
import type { Change } from "../trace/interpret/interpreted.ts";
import { classifyWrite, isGitBookkeeping } from "./side-effects.ts";
import type { StartState } from "./start-state.ts";

/** More than this is no result of a step but an installation: too slow to store and to put back (docs/soundness.md, 2.10). */
export const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export interface CaptureParts {
  readonly changes: ReadonlyMap<string, Change>;
  readonly roots: Roots;
  readonly files: Files;
  readonly hasher: Hasher;
  readonly start: StartState;
  readonly priorMade: ReadonlySet<string>;
  /** Which workspace outputs a replay restores. */
  readonly restores: (path: InputPath) => boolean;
}

export interface Captured {
  /** Sorted: a folder comes before what is in it. */
  readonly outputs: readonly OutputFile[];
  /** Bytes of the outputs that are restored. */
  readonly contents: ReadonlyMap<Digest, Uint8Array>;
  readonly gaps: readonly Gap[];
  readonly sizeBytes: number;
}

export function capture(parts: CaptureParts): Captured {
  const outputs: OutputFile[] = [];
  const contents = new Map<Digest, Uint8Array>();
  const gaps: Gap[] = [];
  let sizeBytes = 0;
  const changes = [...parts.changes.values()].sort((a, b) => compareUtf8(a.path, b.path));
  for (const change of changes) {
    // A hard link was made of it: nothing of its own changed.
    if (change.linked && !change.written && !change.removed && !change.placed && !change.mode) continue;
    const path = toInputPath(change.path, parts.roots);
    const where = classifyWrite(path);
    if (where === "temporary" || where === "log") continue;
    if (where === "repository") {
      if (!isGitBookkeeping(path)) gaps.push({ kind: "side-effect", what: path });
      continue;
    }
    const restored = where === "output" && parts.restores(path);
    const made = describe(change, path, restored, parts);
    if (made === undefined) continue;
    if ("gap" in made) {
      gaps.push(made.gap);
      continue;
    }
    if (where === "elsewhere") {
      gaps.push({ kind: "side-effect", what: path });
      continue;
    }
    outputs.push(made.output);
    if (made.content === undefined || made.output.content === undefined || !restored) continue;
    sizeBytes += made.output.sizeBytes;
    if (sizeBytes <= MAX_OUTPUT_BYTES) contents.set(made.output.content, made.content);
  }
  if (sizeBytes > MAX_OUTPUT_BYTES) gaps.push({ kind: "too-large", what: "outputs", sizeBytes });
  return { outputs, contents, gaps, sizeBytes };
}

type Described = { readonly output: OutputFile; readonly content?: Uint8Array } | { readonly gap: Gap } | undefined;

function describe(change: Change, path: InputPath, restored: boolean, parts: CaptureParts): Described {
  const stat = parts.files.lstat(change.path);
  if (stat instanceof Unreadable) return { gap: { kind: "unresolved-path", path } };
  const created = change.before === "absent" || (parts.priorMade.has(path) && !change.readBefore);
  const common = { path, created, restored, mode: 0, sizeBytes: 0 };
  if (stat === undefined) {
    // Made and removed again: no trace of it is left. What an earlier run of ours made does not count either.
    return created ? undefined : { output: { ...common, type: "deleted" } };
  }
  switch (stat.type) {
    case "dir":
      return change.before === "dir" ? undefined : { output: { ...common, type: "dir", mode: stat.mode } };
    case "symlink": {
      const target = parts.files.readlink(change.path);
      if (typeof target !== "string") return { gap: { kind: "unresolved-path", path } };
      const content = Buffer.from(target);
      return {
        output: { ...common, type: "symlink", content: sha256Of(parts.hasher, content), sizeBytes: content.length },
        content,
      };
    }
    case "file":
      return file(change, path, stat, { ...common, mode: stat.mode & 0o777 }, parts);
    case "other":
      return { gap: { kind: "side-effect", what: `${path} (no regular file)` } };
    default:
      return stat.type satisfies never;
  }
}

function file(
  change: Change,
  path: InputPath,
  stat: Stat,
  common: Omit<OutputFile, "type">,
  parts: CaptureParts,
): Described {
  if (stat.sizeBytes > MAX_OUTPUT_BYTES) return { gap: { kind: "too-large", what: path, sizeBytes: stat.sizeBytes } };
  const content = parts.files.read(change.path);
  if (content === undefined || content instanceof Unreadable) return { gap: { kind: "unresolved-path", path } };
  const head = parts.start.head(path);
  // Rewritten with the same bytes, as formatters do: not changed at all.
  const same =
    head !== undefined &&
    head.id === parts.hasher.gitBlob(content) &&
    (head.mode === "100755") === ((stat.mode & 0o100) !== 0);
  if (same) return undefined;
  return {
    output: { ...common, type: "file", content: sha256Of(parts.hasher, content), sizeBytes: content.length },
    content,
  };
}
