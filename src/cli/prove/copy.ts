// Builds the throw-away copy of a workspace for the scramble proof. Nothing of it is linked to the original: a command that
// writes in place must not reach the user's files.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { gitEnvironment } from "../../memo/git-facts.ts";
import type { ProvePlan } from "../../memo/prove-plan.ts";

export interface ThrowAway {
  readonly folder: string;
  readonly noiseBytes: number;
  remove(): void;
}

export function makeCopy(
  workspace: string,
  plan: ProvePlan,
  options: { readonly folder: string; readonly git: boolean; readonly env: Readonly<Record<string, string>> },
  progress: (done: number, total: number) => void,
): ThrowAway {
  const { folder } = options;
  const git = (...args: string[]): void => {
    const done = spawnSync("git", ["-C", workspace, ...args], { env: gitEnvironment(options.env) });
    if (done.status !== 0) throw new Error(`git ${args[0]}: ${done.stderr.toString().split("\n")[0]}`);
  };
  // Without a checkout: only what the plan names is put there.
  if (options.git) git("worktree", "add", "--quiet", "--detach", "--no-checkout", folder, "HEAD");
  else fs.mkdirSync(folder, { recursive: true });
  const total = plan.kept.length + plan.scrambled.length + plan.placeholders.length;
  let done = 0;
  let noiseBytes = 0;
  const each = (paths: readonly string[], put: (from: string, to: string) => void): void => {
    for (const path of paths) {
      put(join(workspace, path), join(folder, path));
      if (++done % 50 === 0) progress(done, total);
    }
  };
  each(plan.placeholders, placeholder);
  each(plan.kept, copyAsIs);
  each(plan.scrambled, (from, to) => {
    noiseBytes += scramble(from, to);
  });
  if (options.git) hideNoise(folder, plan.scrambled, options.env);
  progress(total, total);
  return {
    folder,
    noiseBytes,
    remove() {
      fs.rmSync(folder, { recursive: true, force: true });
      if (options.git) spawnSync("git", ["-C", workspace, "worktree", "prune"]);
    },
  };
}

/** To git the noise is no change: a command that asks whether the tree is clean gets the recorded answer. */
function hideNoise(folder: string, paths: readonly string[], env: Readonly<Record<string, string>>): void {
  const run = (args: readonly string[], input?: string): void => {
    spawnSync("git", ["-C", folder, ...args], { env: gitEnvironment(env), ...(input !== undefined && { input }) });
  };
  run(["reset", "--quiet"]);
  if (paths.length > 0) run(["update-index", "--assume-unchanged", "-z", "--stdin"], `${paths.join("\0")}\0`);
  run(["update-index", "-q", "--refresh"]);
}

function placeholder(from: string, to: string): void {
  const stat = fs.lstatSync(from, { throwIfNoEntry: false });
  if (stat === undefined || fs.existsSync(to)) return;
  fs.mkdirSync(dirname(to), { recursive: true });
  if (stat.isDirectory()) fs.mkdirSync(to, { recursive: true });
  else if (stat.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(from), to);
  else if (stat.isFile()) scramble(from, to);
}

function copyAsIs(from: string, to: string): void {
  const stat = fs.lstatSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return;
  fs.mkdirSync(dirname(to), { recursive: true });
  fs.rmSync(to, { recursive: true, force: true });
  if (stat.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(from), to);
  else if (stat.isFile()) {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE);
    fs.chmodSync(to, stat.mode);
  }
}

/** @returns bytes of noise written */
function scramble(from: string, to: string): number {
  const stat = fs.lstatSync(from, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) {
    if (stat?.isSymbolicLink() === true) copyAsIs(from, to);
    return 0;
  }
  fs.mkdirSync(dirname(to), { recursive: true });
  fs.writeFileSync(to, randomBytes(stat.size), { mode: stat.mode });
  fs.chmodSync(to, stat.mode);
  return stat.size;
}
