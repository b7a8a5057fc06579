// The action.yml files behind a job's later steps. The runner reads them itself, outside the trace, so they are looked at here: those of
// `uses: ./x` in the checkout, all others where the runner unpacked them at the start of the job, so a moved tag shows.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Json } from "../../core/canonical.ts";
import type { Gap } from "../../core/gap.ts";
import type { Look } from "../../trace/interpret/interpreted.ts";
import { member, yamlSource } from "../../codeql/yaml-source.ts";

/** The runner allows ten. */
const MAX_DEPTH = 10;

export interface ActionFiles {
  readonly looks: readonly Omit<Look, "seq">[];
  readonly gaps: readonly Gap[];
}

export interface ActionPlaces {
  readonly workspace: string;
  /** RUNNER_TEMP, beside which the runner keeps `_actions`. */
  readonly temp: string;
  /** Ourselves: how a step names us, and the folder we were started from. */
  readonly own: { readonly uses: string; readonly folder: string };
}

export function actionFiles(steps: readonly Json[], places: ActionPlaces): ActionFiles {
  const looks = new Map<string, Omit<Look, "seq">>();
  const gaps: Gap[] = [];
  const visit = (of: readonly Json[], depth: number): void => {
    for (const step of of) {
      const uses = member(step, "uses");
      if (typeof uses !== "string" || uses.startsWith("docker://")) continue;
      const folder = folderOf(uses, places);
      const file = ["action.yml", "action.yaml"]
        .map((name) => join(folder ?? "/nowhere", name))
        .find((f) => existsSync(f));
      if (file === undefined || realpathSync(file) !== file || depth >= MAX_DEPTH) {
        gaps.push({ kind: "unresolved", ref: uses });
        continue;
      }
      if (looks.has(file)) continue;
      const by = "the runner";
      if (file.endsWith(".yaml"))
        looks.set(`${file} absent`, { kind: "absent", path: join(dirname(file), "action.yml"), by });
      looks.set(file, { kind: "file", path: file, by });
      const parsed = yamlSource(readFileSync(file, "utf8"));
      const nested = "why" in parsed ? undefined : member(member(parsed.value, "runs"), "steps");
      if (Array.isArray(nested)) visit(nested as Json[], depth + 1);
    }
  };
  visit(steps, 0);
  return { looks: [...looks.values()], gaps };
}

function folderOf(uses: string, { workspace, temp, own }: ActionPlaces): string | undefined {
  if (uses.startsWith("./")) return join(workspace, uses);
  const [name = "", ref] = own.uses.split("@");
  const [used = "", usedRef] = uses.split("@");
  if (name !== "" && ref === usedRef && (used === name || used.startsWith(`${name}/`)))
    return join(own.folder, used.slice(name.length));
  return unpacked(uses, dirname(temp));
}

/** "owner/repo/path@ref" -> _actions/owner/repo/ref/path */
function unpacked(uses: string, work: string): string | undefined {
  const [, owner, repository, path = "", ref] = /^([\w.-]+)\/([\w.-]+)((?:\/[^@]+)?)@(.+)$/.exec(uses) ?? [];
  if (
    owner === undefined ||
    repository === undefined ||
    ref === undefined ||
    /(?:^|\/)\.\.(?:\/|$)/.test(`${path}/${ref}`)
  )
    return undefined;
  return join(work, "_actions", owner, repository, ref, path);
}
