// Where things are kept and by which settings: the configuration, the store, git.
import { statfsSync } from "node:fs";
import { configurationOf } from "../configuration.ts";
import { describe } from "../../config/issue.ts";
import type { ResolvedConfig } from "../../config/resolve.ts";
import { gitEnvironment, HARMLESS } from "../../memo/git-facts.ts";
import { nodeRunner } from "../../node/ports.ts";
import { bytesText, plural } from "../../report/units.ts";
import type { CliContext } from "../command.ts";
import { openStoreFor } from "../wiring.ts";
import { type Fact, failure } from "./fact.ts";

/** Undefined: it is wrong, which `settingsFacts` says. */
export async function settingsOf(context: CliContext): Promise<ResolvedConfig | undefined> {
  return configurationOf(context).catch(() => undefined);
}

export async function settingsFacts(context: CliContext): Promise<readonly Fact[]> {
  try {
    const { notes, origins } = await configurationOf(context);
    const text =
      origins.size === 0 ? "defaults" : `${plural(origins.size, "setting")} given; foregone config show --origin`;
    const said = notes.map((note): Fact => ({
      status: "note",
      name: "settings",
      text: describe(note),
      ...(note.hint !== undefined && { mend: note.hint }),
    }));
    return [{ status: "ok", name: "settings", text }, ...said];
  } catch (error) {
    return [failure("settings", error)];
  }
}

/** Below this a store cannot do much; `store.disk` is 5 GiB unless set. */
const LITTLE_BYTES = 512 * 1024 * 1024;

export async function storeFacts(context: CliContext): Promise<readonly Fact[]> {
  try {
    const { path } = openStoreFor(context, await settingsOf(context)).folder;
    const { bavail, bsize } = statfsSync(path);
    const free = bavail * bsize;
    const text = `${path}, ${bytesText(free)} free on its disk`;
    return [
      free < LITTLE_BYTES
        ? { status: "note", name: "store", text, mend: "foregone gc, or store.directory on another disk" }
        : { status: "ok", name: "store", text },
    ];
  } catch (error) {
    return [failure("store", error)];
  }
}

export async function gitFacts({ cwd, env }: CliContext): Promise<readonly Fact[]> {
  const ask = (...args: readonly string[]): string | undefined => {
    const { status, stdout } = nodeRunner.run(["git", ...HARMLESS, ...args], { cwd, env: gitEnvironment(env) });
    return status === 0 ? Buffer.from(stdout).toString().trim() : undefined;
  };
  const version = ask("--version")?.replace("git version ", "");
  if (version === undefined)
    return [{ status: "note", name: "git", text: "not found: every file is hashed, and no tree is known as a whole" }];
  const shallow = ask("rev-parse", "--is-shallow-repository");
  if (shallow === undefined) return [{ status: "ok", name: "git", text: `${version}; this is no repository` }];
  if (shallow !== "true") return [{ status: "ok", name: "git", text: version }];
  const text = `${version}; a shallow clone: what depends on history cannot be asked again`;
  return [{ status: "note", name: "git", text, mend: "fetch-depth: 0 in actions/checkout" }];
}
