// Installers that accept from the network only what a lock file pins, byte for byte (docs/soundness.md, 2.9). Only the
// installer's own process counts: what its lifecycle scripts fetch is pinned by nobody.
import type { PinnedInstaller } from "./interpreted.ts";

/** Programs that other programs run: "node /usr/bin/npm", "python3 -m pip". */
const RUNNERS = /^(?:node|nodejs|bun|python[\d.]*|bash|sh|dash)$/;

/** @param argv of the process that connected */
export function pinnedInstaller(argv: readonly string[]): PinnedInstaller | undefined {
  let words = argv.map((word, i) => (i === 0 ? basename(word) : word));
  // npm and friends rename their process: "npm ci" in one word.
  if (words.length === 1) words = (words[0] ?? "").split(" ");
  if (RUNNERS.test(words[0] ?? "")) {
    words = words.slice(1);
    if (words[0] === "-m") words = words.slice(1);
    words = words.map((word, i) => (i === 0 ? basename(word) : word));
  }
  const name = (words[0] ?? "").replace(/(?:-cli)?\.(?:c|m)?js$/, "");
  const args = words.slice(1);
  const has = (option: string): boolean => args.includes(option);
  const command = args.find((arg) => !arg.startsWith("-"));
  switch (name) {
    case "npm":
      return command === "ci" || command === "clean-install"
        ? { name: "npm ci", lockFiles: ["package-lock.json", "npm-shrinkwrap.json"] }
        : undefined;
    case "pnpm":
      return has("--frozen-lockfile") ? { name: "pnpm install", lockFiles: ["pnpm-lock.yaml"] } : undefined;
    case "yarn":
    case "yarnpkg":
      return has("--immutable") || has("--frozen-lockfile")
        ? { name: "yarn install", lockFiles: ["yarn.lock"] }
        : undefined;
    case "cargo":
      return has("--locked") || has("--frozen") ? { name: "cargo", lockFiles: ["Cargo.lock"] } : undefined;
    case "go":
      // `go get` and `pkg@version` change what is pinned.
      return has("-mod=readonly") && command !== "get" && !args.some((arg) => /^[^-].*@/.test(arg))
        ? { name: "go", lockFiles: ["go.sum"] }
        : undefined;
    case "pip":
    case "pip3":
      return has("--require-hashes") ? pip(args) : undefined;
    default:
      return undefined;
  }
}

function pip(args: readonly string[]): PinnedInstaller | undefined {
  const files = args.flatMap((arg, i) => {
    const next = args[i + 1];
    if ((arg === "-r" || arg === "--requirement") && next !== undefined) return [next];
    return arg.startsWith("--requirement=") ? [arg.slice("--requirement=".length)] : [];
  });
  // With several files each would have to be tracked; memo asks for one.
  return files.length === 1 ? { name: "pip install", lockFiles: files } : undefined;
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
