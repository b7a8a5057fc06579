// foregone init: shows a workflow and a configuration for this repository, asks, and writes what is not there yet.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { repositoryRoot } from "../../config/load.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { nodeFiles } from "../../node/ports.ts";
import type { CliContext, Parsed } from "../command.ts";
import { detect } from "../init/detect.ts";
import { CONFIG_FILE, configText, WORKFLOW_FILE, workflowText } from "../init/files.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const root = repositoryRoot(nodeFiles, context.cwd);
  if (!existsSync(join(root, ".git")))
    throw new ForegoneError("E_NOT_FOUND", `${context.cwd} is in no git repository`, { hint: "git init" });
  const detected = detect(nodeFiles, root);
  const command = parsed.values.get("run") ?? detected?.run;
  if (command === undefined)
    throw new ForegoneError("E_USAGE", "no test command is recognised here", {
      hint: "foregone init --run 'make check'",
    });
  const action = parsed.values.get("action") ?? ownAction();
  if (!/^[\w.-]+\/[\w.-]+(?:\/[\w./-]+)?@[\w./-]+$/.test(action))
    throw new ForegoneError("E_USAGE", `--action wants OWNER/REPO@REF, not "${action}"`);
  const facts = { branch: defaultBranch(root), action, detected: { setup: detected?.setup ?? [], run: command } };
  const files = [
    [WORKFLOW_FILE, workflowText(facts)],
    [CONFIG_FILE, configText()],
  ] as const;
  const fresh = files.filter(([name]) => !existsSync(join(root, name)));
  for (const [name, text] of files) {
    if (fresh.some(([each]) => each === name)) context.stdout.write(`# ${name}\n${text}\n`);
    else context.stderr.write(`foregone: note: ${name} is there and stays as it is\n`);
  }
  if (detected !== undefined)
    context.stderr.write(`foregone: recognised ${detected.what}; to be skipped: ${command}\n`);
  if (fresh.length === 0) return EXIT.done;
  if (!(await agreed(context, parsed, fresh.length))) return EXIT.done;
  for (const [name, text] of fresh) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    // "wx": what appeared meanwhile is somebody else's.
    writeFileSync(join(root, name), text, { flag: "wx" });
    context.stderr.write(`foregone: wrote ${name}\n`);
  }
  context.stderr.write(`foregone: hint: try it here first: foregone run -- ${command}\n`);
  return EXIT.done;
}

async function agreed(context: CliContext, parsed: Parsed, count: number): Promise<boolean> {
  if (parsed.flags.has("yes")) return true;
  if (context.stdout.isTTY !== true) {
    context.stderr.write("foregone: hint: foregone init --yes writes them\n");
    return false;
  }
  const asking = createInterface({ input: context.stdin, output: context.stderr });
  try {
    return /^y(?:es)?$/i.test(
      (await asking.question(`write ${count === 1 ? "this file" : `these ${count} files`}? [y/N] `)).trim(),
    );
  } finally {
    asking.close();
  }
}

/** The clone that this program runs from, at its commit: what was tried here is what the workflow runs. */
function ownAction(): string {
  const [script = ""] = process.argv.slice(1);
  const clone = dirname(dirname(script));
  const url = git(clone, "remote", "get-url", "origin");
  const repository = /github\.com[:/]([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(url ?? "")?.[1];
  const commit = git(clone, "rev-parse", "HEAD");
  if (repository === undefined || commit === undefined)
    throw new ForegoneError(
      "E_USAGE",
      "where is the action? this program runs from no clone of a repository on GitHub",
      {
        hint: "foregone init --action OWNER/foregone@REF",
      },
    );
  return `${repository}@${commit}`;
}

function defaultBranch(root: string): string {
  const remote = git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")?.replace(/^origin\//, "");
  return remote ?? git(root, "symbolic-ref", "--short", "HEAD") ?? "main";
}

function git(cwd: string, ...args: readonly string[]): string | undefined {
  try {
    return execFileSync("git", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}
