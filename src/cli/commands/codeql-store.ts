// foregone codeql store.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { type Asked, asking, codeqlTool, known, lines } from "../codeql/asked.ts";
import { readWholeFile } from "../codeql/files.ts";
import { loadPending, pendingPath } from "../codeql/pending.ts";
import { recordScan } from "../codeql/recording.ts";
import { refusalHint } from "../codeql/words.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const path = parsed.values.get("sarif");
  if (path === undefined)
    throw new ForegoneError("E_USAGE", "store wants --sarif FILE", {
      hint: "foregone codeql store --sarif results/javascript.sarif",
    });
  return asking(context, parsed, (asked) => store(context, parsed, asked, path));
}

async function store(context: CliContext, parsed: Parsed, asked: Asked, path: string): Promise<number> {
  const { shell, name } = asked;
  const now = known(asked);
  const pending = loadPending(pendingPath(shell, now.key));
  // Decided with other options than these: then it says nothing of this scan.
  const before = pending?.key.weak === now.key.weak ? pending : now;
  const file = resolve(context.cwd, path);
  const started = startOf(parsed) ?? (before === pending ? pending.at : undefined);
  const recorded = await recordScan(shell, {
    key: before.key,
    before: before.git,
    after: now.git,
    bytes: readWholeFile(file),
    tool: codeqlTool(before.key),
    durationMs: started === undefined ? 0 : Math.max(0, statSync(file).mtimeMs - started),
    exitCode: 0,
  });
  if (recorded.kind === "refused") {
    context.stdout.write(lines([`refused ${name}   ${recorded.code}: ${recorded.detail}`]));
    const hint = refusalHint(recorded.code);
    if (hint !== undefined) context.stderr.write(`foregone: hint: ${hint}\n`);
    return EXIT.wrong;
  }
  const { admitted, comparison, id } = recorded;
  context.stdout.write(lines([`stored ${name}   as ${id.slice(7, 15)}, tier ${admitted.tier}`]));
  if (admitted.exactOnly !== undefined)
    context.stdout.write(lines([`  serves the exact tree only: ${admitted.exactOnly}`]));
  if (comparison.kind === "same") context.stdout.write(lines(["  audit: same result as recorded"]));
  if (comparison.kind === "differs") {
    const { diff } = comparison;
    context.stdout.write(
      lines([
        `  audit: FALSE SKIP: ${diff.new.length} new, ${diff.absent.length} absent, ${diff.updated.length} updated; older records are disowned`,
      ]),
    );
    return EXIT.wrong;
  }
  return EXIT.done;
}

function startOf(parsed: Parsed): number | undefined {
  const text = parsed.values.get("started");
  if (text === undefined) return undefined;
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(at))
    throw new ForegoneError("E_USAGE", `--started "${text}" is no time`, { hint: "2026-01-31T12:00:00Z" });
  return at;
}
