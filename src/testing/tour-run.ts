// Runs the tour: an empty home, a stand-in for GitHub, one shell; and looks at the dashboard while the agent is up.
import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { GitHubSemantics } from "./github-semantics.ts";
import { serveDouble } from "./github-server.ts";
import { GitHubTable } from "./github-table.ts";
import { parseTour, TourShell } from "./tour.ts";

export interface TourOptions {
  readonly page: string;
  /** Absolute: the repository. Cloned for a fresh tour, else used as it stands. */
  readonly repository: string;
  /** Undefined: clone and set up. Else the program that `foregone` is. */
  readonly program: string | undefined;
  readonly onCommand?: (text: string) => void;
  /** When the address of the dashboard is known. */
  readonly onDashboard?: (url: string, shell: TourShell) => Promise<void>;
}

export interface TourResult {
  /** By line of the page: what the command printed, with the home as `~`. */
  readonly outputs: ReadonlyMap<number, readonly string[]>;
}

/** Nobody: what a user without any right is called on Linux. */
export const NOBODY = 65_534;

export async function runTour(options: TourOptions): Promise<TourResult> {
  const root = process.getuid?.() === 0;
  const base = mkdtempSync(join(tmpdir(), "tour-"));
  const own = (path: string): string => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (root) chownSync(path, NOBODY, NOBODY);
    return path;
  };
  if (root) chownSync(base, NOBODY, NOBODY);
  const home = own(join(base, "home"));
  const table = new GitHubTable();
  table.set("/repos/cli/cli", { full_name: "cli/cli", description: "GitHub’s official command line tool" });
  const double = await serveDouble(new GitHubSemantics(table.origin));
  const config = join(base, "gitconfig");
  writeFileSync(
    config,
    `[safe]\n\tdirectory = *\n[url "${options.repository}"]\n\tinsteadOf = https://github.com/OWNER/foregone\n`,
  );
  if (options.program !== undefined) asInstalled(home, own, options.repository, options.program);
  const shell = new TourShell({
    cwd: home,
    env: {
      HOME: home,
      USER: "me",
      LANG: "C.UTF-8",
      PATH: `${join(home, "bin")}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      XDG_RUNTIME_DIR: own(join(base, "run")),
      GIT_CONFIG_GLOBAL: config,
      NPM_CONFIG_UPDATE_NOTIFIER: "false",
      FOREGONE_AGENT_PORT: "0",
      FOREGONE_SKIP_AUDIT: "0",
      FOREGONE_API_UPSTREAMS: JSON.stringify({ "api.github.com": double.origin }),
    },
    ...(root && { uid: NOBODY }),
  });
  const outputs = new Map<number, readonly string[]>();
  try {
    for (const { text, line, fresh } of parseTour(options.page)) {
      if (fresh && options.program !== undefined) continue;
      options.onCommand?.(text);
      const { output } = await shell.run(text);
      outputs.set(
        line,
        output.map((each) =>
          each
            .replaceAll(join(base, "run"), "/run/user/1000")
            .replaceAll(home, "~")
            .replace(/#token=.*/, "#token=..."),
        ),
      );
      const url = output.find((each) => each.includes("#token="));
      if (url !== undefined) await options.onDashboard?.(url, shell);
    }
  } finally {
    await shell.run("foregone agent stop").catch(() => undefined);
    await shell.end();
    await double.close();
    rmSync(base, { recursive: true, force: true });
  }
  return { outputs };
}

/** As the set-up leaves it, but with this program. */
function asInstalled(home: string, own: (path: string) => string, repository: string, program: string): void {
  symlinkSync(repository, join(home, "foregone"));
  const script = `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`;
  writeFileSync(join(own(join(home, "bin")), "foregone"), script, { mode: 0o755 });
}

/** @returns why there can be no tour here */
export function noTour(repository: string): string | undefined {
  if (process.platform !== "linux") return "no Linux";
  if (spawnSync("gh", ["--version"]).status !== 0) return "no gh: apt-get install gh";
  if (process.getuid?.() !== 0) return undefined;
  const { status } = spawnSync("ls", [repository], { uid: NOBODY, gid: NOBODY });
  return status === 0 ? undefined : `uid ${NOBODY} cannot read ${repository}`;
}
