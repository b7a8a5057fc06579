// Puts back what a recorded run made: stage everything beside its target, verified; only then rename, one by one. If anything
// cannot be staged, nothing has changed and the command runs instead.
import { parseDigest, sha256Of } from "../core/digest.ts";
import { inWorkspace, type Roots, toAbsolute } from "../core/input-path.ts";
import type { OutputFile } from "../core/record.ts";
import { type Files, type FileWriter, type Hasher, type Random, Unreadable } from "../ports.ts";
import type { BlobStore } from "../store/store.ts";
import { parent } from "./workspace.ts";

export interface ReplayParts {
  readonly roots: Roots;
  readonly files: Files;
  readonly writer: FileWriter;
  readonly hasher: Hasher;
  readonly random: Random;
  readonly blobs: BlobStore;
}

export type Replayed =
  | { readonly kind: "done"; readonly written: number; readonly unchanged: number; readonly bytes: number }
  | { readonly kind: "refused"; readonly why: string };

interface Staged {
  readonly from: string;
  readonly to: string;
}

/** @param outputs in the order of the record: folders before what is in them */
export async function replayOutputs(outputs: readonly OutputFile[], parts: ReplayParts): Promise<Replayed> {
  const staged: Staged[] = [];
  const removals: string[] = [];
  let unchanged = 0;
  let bytes = 0;
  const undo = (why: string): Replayed => {
    for (const { from } of staged) parts.writer.remove(from);
    return { kind: "refused", why };
  };
  for (const output of outputs) {
    const target = safeTarget(output, parts);
    if (typeof target !== "string") return undo(target.why);
    if (isAlreadyThere(output, target, parts)) {
      unchanged++;
      continue;
    }
    if (output.type === "deleted") {
      removals.push(target);
      continue;
    }
    if (output.type === "dir") {
      const failed = parts.writer.makeDirectory(target);
      if (failed !== undefined) return undo(`${failed} for ${output.path}`);
      continue;
    }
    const content = output.content === undefined ? undefined : await parts.blobs.get(output.content);
    if (content === undefined || sha256Of(parts.hasher, content) !== output.content)
      return undo(`the bytes of ${output.path} are gone`);
    const suffix = Buffer.from(parts.random.bytes(6)).toString("hex");
    const from = `${parent(target)}/.foregone-${suffix}`;
    const failed =
      output.type === "symlink"
        ? parts.writer.makeSymlink(Buffer.from(content).toString(), from)
        : parts.writer.writeNew(from, content, output.mode);
    if (failed !== undefined) return undo(`${failed} for ${output.path}`);
    staged.push({ from, to: target });
    bytes += content.length;
  }
  for (const [at, { from, to }] of staged.entries()) {
    const failed = parts.writer.rename(from, to);
    if (failed === undefined) continue;
    for (const rest of staged.slice(at)) parts.writer.remove(rest.from);
    return { kind: "refused", why: `${failed} for ${to}` };
  }
  // Deepest first, so that folders are empty when their turn comes.
  for (const path of removals.reverse()) parts.writer.remove(path);
  return { kind: "done", written: staged.length + removals.length, unchanged, bytes };
}

/** A record may come from elsewhere: it writes inside the workspace only, and never through a symlink or into `.git`. */
function safeTarget(output: OutputFile, { roots, files }: ReplayParts): string | { readonly why: string } {
  const segments = output.path.split("/");
  const absolute = toAbsolute(output.path, roots);
  const wrong =
    absolute === undefined ||
    !inWorkspace(output.path) ||
    output.path === "." ||
    segments.some((part, i) => part === "" || part === ".." || (part === "." && i > 0) || (part === ".git" && i === 0));
  if (wrong) return { why: `the output path ${JSON.stringify(output.path)} leaves the workspace` };
  for (let folder = parent(absolute); folder !== roots.workspace; folder = parent(folder)) {
    const stat = files.lstat(folder);
    if (stat !== undefined && (stat instanceof Unreadable || stat.type !== "dir"))
      return { why: `${folder} is no folder` };
  }
  return absolute;
}

function isAlreadyThere(output: OutputFile, target: string, { files, hasher }: ReplayParts): boolean {
  const stat = files.lstat(target);
  if (stat === undefined) return output.type === "deleted";
  if (stat instanceof Unreadable || stat.type !== output.type) return false;
  if (output.type === "dir") return true;
  if (output.type === "file" && ((stat.mode & 0o777) !== output.mode || stat.sizeBytes !== output.sizeBytes))
    return false;
  const content = output.type === "symlink" ? files.readlink(target) : files.read(target);
  if (content === undefined || content instanceof Unreadable || output.content === undefined) return false;
  return parseDigest(`sha256:${hasher.sha256(content)}`) === output.content;
}
