// Builds a C fixture with the system's compiler, once per test process.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const built = new Map<string, string>();
let folder: string | undefined;

/**
 * @param source path of the C file
 * @param options compiler and flags, "gcc -O1 -pthread" by default
 * @returns the program's path, or why it cannot be built here
 */
export function compile(source: string, options = "gcc -O1 -w -pthread"): string | { readonly unavailable: string } {
  const known = built.get(`${options} ${source}`);
  if (known !== undefined) return known;
  const [compiler = "gcc", ...flags] = options.split(" ");
  if (spawnSync(compiler, ["--version"], { stdio: "ignore" }).error !== undefined)
    return { unavailable: `no ${compiler}` };
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "foregone-fixture-"));
    // Tests run fixtures as other users.
    chmodSync(made, 0o755);
    folder = made;
    process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  }
  const program = join(folder, `${basename(source, ".c")}-${built.size}`);
  execFileSync(compiler, [...flags, source, "-o", program], { stdio: ["ignore", "inherit", "inherit"] });
  built.set(`${options} ${source}`, program);
  return program;
}
