// The script and the command files of a step, in a folder of our own below RUNNER_TEMP. Its name is the digest of the script: a
// random one would change the command line on each run. What the command writes into its command files is a result; it reaches
// the runner's files only after the command has ended, as recorded bytes or as those just written.
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Digest, sha256Of } from "../../core/digest.ts";
import type { Gap } from "../../core/gap.ts";
import type { InputPath } from "../../core/input-path.ts";
import type { OutputFile } from "../../core/record.ts";
import type { Captured } from "../../memo/capture.ts";
import type { OwnFolder } from "../../memo/execute.ts";
import { nodeHasher } from "../../node/ports.ts";
import { COMMAND_FILES } from "./environment.ts";
import type { ScriptCommand } from "./shell.ts";

/** What the runner itself takes of one command file. */
const MAX_COMMAND_FILE_BYTES = 1024 * 1024;
/** How such an output is named in a record: no path of a workspace, so no replay ever writes it as a file. */
const PREFIX = "$TEMP/foregone/command-files/";

const FILES = Object.entries(COMMAND_FILES);

export class StepFolder implements OwnFolder {
  readonly path: string;
  readonly script: string;

  private constructor(path: string, script: string) {
    this.path = path;
    this.script = script;
  }

  /** The paths alone: nothing is written yet. @param temp RUNNER_TEMP */
  static named(temp: string, command: ScriptCommand): StepFolder {
    const digest = nodeHasher.sha256(JSON.stringify([command.argv, command.script])).slice(0, 16);
    const path = join(temp, "foregone", `step-${digest}`);
    return new StepFolder(path, join(path, `script${command.extension}`));
  }

  /** @throws errno errors: then nothing may run through this folder */
  lay(command: ScriptCommand): void {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path, { recursive: true });
    writeFileSync(this.script, command.script, { flag: "wx" });
    // As the runner leaves its own scripts.
    chmodSync(this.script, 0o644);
    for (const [, name] of FILES) writeFileSync(join(this.path, name), "", { flag: "wx" });
  }

  captured(): Captured {
    const outputs: OutputFile[] = [];
    const contents = new Map<Digest, Uint8Array>();
    const gaps: Gap[] = [];
    let sizeBytes = 0;
    for (const [variable, name] of FILES) {
      const bytes = this.#read(name);
      if (bytes === undefined) gaps.push({ kind: "side-effect", what: `${variable} is no file any more` });
      else if (bytes.length > MAX_COMMAND_FILE_BYTES)
        gaps.push({ kind: "too-large", what: variable, sizeBytes: bytes.length });
      else if (bytes.length > 0) {
        const content = sha256Of(nodeHasher, bytes);
        contents.set(content, bytes);
        sizeBytes += bytes.length;
        const path = `${PREFIX}${name}` as InputPath;
        outputs.push({
          path,
          type: "file",
          created: false,
          restored: true,
          mode: 0o644,
          content,
          sizeBytes: bytes.length,
        });
      }
    }
    return { outputs, contents, gaps, sizeBytes };
  }

  /** Hands on what the command wrote, passed or failed, as the runner would have read it. */
  handOn(env: Readonly<Record<string, string>>): void {
    for (const [variable, name] of FILES) {
      const bytes = this.#read(name);
      if (bytes !== undefined) append(env[variable], bytes);
    }
  }

  #read(name: string): Buffer | undefined {
    const path = join(this.path, name);
    try {
      // A link could lead to what is none of the command's results.
      return lstatSync(path).isFile() ? readFileSync(path) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Is this output of a record the content of a command file? @returns the variable that names the runner's file */
export function commandFileOf(output: OutputFile): string | undefined {
  const found = FILES.find(([, name]) => output.path === `${PREFIX}${name}`);
  return found?.[0];
}

/** Appends recorded or fresh bytes to a file of the runner. The line before may lack its end. */
export function append(path: string | undefined, bytes: Uint8Array): void {
  if (path === undefined || path === "" || bytes.length === 0) return;
  const ended = bytes.at(-1) === 0x0a ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
  appendFileSync(path, ended);
}

/** Events name folders without links. */
export function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** How much of a summary is there already; the runner drops one above 1 MiB whole. */
export function sizeOf(path: string | undefined): number {
  try {
    return path === undefined || path === "" ? 0 : statSync(path).size;
  } catch {
    return 0;
  }
}
