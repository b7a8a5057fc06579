// Which CodeQL would scan: its resolved version, never a moving name. GitHub's feature flags choose the default version from
// outside, so a workflow that does not pin it cannot be answered for.
import type { Files, Runner } from "../ports.ts";
import { Unreadable } from "../ports.ts";
import type { Detail } from "./component.ts";
import type { Unanswered } from "./git-source.ts";

export interface ToolPorts {
  readonly files: Files;
  readonly runner: Runner;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** SHA-256 of a file of any size; undefined if it cannot be read. */
  readonly hashFile: (path: string) => string | undefined;
}

const PIN_HINT = "pin it: `tools: linked` in the init step";

/**
 * @param tools the `tools` input of init: "linked", a bundle URL, a local archive; or "codeql@2.25.6"; or "cli" to ask the
 *   `codeql` on the PATH
 * @param actionRef the ref of github/codeql-action in the workflow, for `linked`
 */
export function resolveCodeql(
  tools: string,
  actionRef: string | undefined,
  ports: ToolPorts,
): { readonly detail: Detail } | Unanswered {
  const exact = /^codeql@(\d+\.\d+\.\d+\S*)$/.exec(tools)?.[1];
  if (exact !== undefined) return { detail: { name: "CodeQL", version: exact, bundle: "" } };
  if (tools === "cli") return askCli(ports);
  if (tools === "linked") return readDefaults(actionRef, ports);
  if (tools === "" || tools === "toolcache" || tools === "latest")
    return { why: "not pinned, feature flags choose it", hint: PIN_HINT };
  if (tools === "nightly") return { why: "nightly moves every day", hint: PIN_HINT };
  const bundle = /\/(codeql-bundle-v(\d+\.\d+\.\d+[^/]*))\//.exec(tools);
  if (bundle?.[1] !== undefined && bundle[2] !== undefined)
    return { detail: { name: "CodeQL", version: bundle[2], bundle: bundle[1] } };
  if (/^https?:/.test(tools)) return { why: `the bundle of ${tools} names no version`, hint: PIN_HINT };
  const path = tools.startsWith("/") ? tools : `${ports.cwd}/${tools}`;
  const digest = ports.hashFile(path);
  return digest === undefined
    ? { why: `the archive ${tools} cannot be read` }
    : { detail: { name: "CodeQL", bundle: `sha256:${digest}` } };
}

function askCli({ runner, cwd, env }: ToolPorts): { readonly detail: Detail } | Unanswered {
  const { status, stdout } = runner.run(["codeql", "version", "--format=json"], { cwd, env });
  if (status === null) return { why: "no codeql on the PATH", hint: "give --tool codeql@VERSION" };
  try {
    const answer = JSON.parse(Buffer.from(stdout).toString()) as { version?: unknown; sha?: unknown };
    if (typeof answer.version === "string")
      return {
        detail: { name: "CodeQL", version: answer.version, bundle: typeof answer.sha === "string" ? answer.sha : "" },
      };
  } catch {
    // Said below.
  }
  return { why: "codeql did not tell its version" };
}

/** Actions are unpacked beside the temp folder: <work>/_temp, <work>/_actions/owner/name/ref. */
function readDefaults(
  actionRef: string | undefined,
  { files, env }: ToolPorts,
): { readonly detail: Detail } | Unanswered {
  const temp = env["RUNNER_TEMP"];
  if (actionRef === undefined || temp === undefined)
    return { why: "`linked` needs to know the codeql-action of this job" };
  const path = `${temp.replace(/\/[^/]*\/?$/, "")}/_actions/github/codeql-action/${actionRef}/src/defaults.json`;
  const bytes = files.read(path, 64 * 1024);
  if (bytes === undefined || bytes instanceof Unreadable) return { why: `no ${path}` };
  try {
    const { cliVersion, bundleVersion } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    if (typeof cliVersion === "string" && typeof bundleVersion === "string")
      return { detail: { name: "CodeQL", version: cliVersion, bundle: bundleVersion } };
  } catch {
    // Said below.
  }
  return { why: `${path} names no version` };
}
