// GITHUB_ENV and GITHUB_OUTPUT: files that the runner reads after a step. Written as heredocs with a delimiter that nobody can
// guess, because a value that could end its own heredoc would set PATH (CVE-2020-15228, CVE-2022-35954).
import type { Random } from "../ports.ts";

/**
 * One variable, as text to append to a command file.
 * @param name checked by the caller
 */
export function commandFileEntry(random: Random, name: string, value: string): string {
  for (;;) {
    const delimiter = `ghadelimiter_${Buffer.from(random.bytes(16)).toString("hex")}`;
    if (name.includes(delimiter) || value.includes(delimiter)) continue;
    // The line feed at the end is not optional: the next writer's line would join the delimiter's.
    return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
  }
}
