// What a repository would want to skip, told from its files: how its tools are set up, what is installed, what tests it.
import { type Files, Unreadable } from "../../ports.ts";

export interface Detected {
  /** What was recognised, for the message: "npm (package-lock.json)". */
  readonly what: string;
  /** YAML of steps before the command, each line without indentation. */
  readonly setup: readonly string[];
  /** The command to skip. */
  readonly run: string;
}

/** The first that fits; a repository with several says so itself with `--run`. */
export function detect(files: Files, root: string): Detected | undefined {
  const has = (name: string): boolean => {
    const stat = files.lstat(`${root}/${name}`);
    return stat !== undefined && !(stat instanceof Unreadable);
  };
  const text = (name: string): string => {
    const bytes = files.read(`${root}/${name}`, 1024 * 1024);
    return bytes === undefined || bytes instanceof Unreadable ? "" : new TextDecoder().decode(bytes);
  };
  return node(has, text) ?? others(has, text);
}

type Has = (name: string) => boolean;
type Text = (name: string) => string;

function node(has: Has, text: Text): Detected | undefined {
  if (!has("package.json")) return undefined;
  const script = testScript(text("package.json"));
  if (script === undefined) return undefined;
  const version = has(".nvmrc") ? ["with:", "  node-version-file: .nvmrc"] : ["with:", "  node-version: lts/*"];
  const setupNode = step("uses: actions/setup-node@v5", ...version);
  if (has("pnpm-lock.yaml"))
    return {
      what: "pnpm (pnpm-lock.yaml)",
      setup: [...step("uses: pnpm/action-setup@v4"), ...setupNode, ...step("run: pnpm install --frozen-lockfile")],
      run: `pnpm run ${script}`,
    };
  if (has("yarn.lock"))
    return {
      what: "yarn (yarn.lock)",
      setup: [...step("run: corepack enable"), ...setupNode, ...step("run: yarn install --immutable")],
      run: `yarn run ${script}`,
    };
  return {
    what: has("package-lock.json") ? "npm (package-lock.json)" : "npm (package.json)",
    setup: [...setupNode, ...step(has("package-lock.json") ? "run: npm ci" : "run: npm install")],
    run: script === "test" ? "npm test" : `npm run ${script}`,
  };
}

/** npm's own placeholder fails on purpose: it is no test. */
function testScript(json: string): string | undefined {
  try {
    const { scripts = {} } = JSON.parse(json) as { scripts?: Readonly<Record<string, string>> };
    const real = (name: string): boolean => scripts[name] !== undefined && !scripts[name].includes("no test specified");
    return ["test", "check", "build"].find(real);
  } catch {
    return undefined;
  }
}

function others(has: Has, text: Text): Detected | undefined {
  if (has("Cargo.toml"))
    return {
      what: "cargo (Cargo.toml)",
      setup: step("run: cargo fetch --locked"),
      run: has("Cargo.lock") ? "cargo test --locked --offline" : "cargo test",
    };
  if (has("go.mod"))
    return {
      what: "go (go.mod)",
      setup: [
        ...step("uses: actions/setup-go@v6", "with:", "  go-version-file: go.mod"),
        ...step("run: go mod download"),
      ],
      run: "go test ./...",
    };
  if (has("pyproject.toml") || has("setup.py") || has("requirements.txt"))
    return {
      what: `python (${["pyproject.toml", "setup.py", "requirements.txt"].find(has) ?? ""})`,
      setup: [
        ...step("uses: actions/setup-python@v6", "with:", '  python-version: "3.x"'),
        ...step(`run: python -m pip install pytest ${has("requirements.txt") ? "-r requirements.txt" : "."}`),
      ],
      run: "python -m pytest",
    };
  if (has("gradlew")) return java("gradle (gradlew)", "./gradlew test");
  if (has("pom.xml")) return java("maven (pom.xml)", has("mvnw") ? "./mvnw -q verify" : "mvn -q verify");
  for (const target of ["test", "check"])
    if (new RegExp(`^${target}\\s*:`, "m").test(text("Makefile")))
      return { what: "make (Makefile)", setup: [], run: `make ${target}` };
  return undefined;
}

function java(what: string, run: string): Detected {
  return {
    what,
    setup: step("uses: actions/setup-java@v5", "with:", "  distribution: temurin", "  java-version: 21"),
    run,
  };
}

function step(first: string, ...more: readonly string[]): readonly string[] {
  return [`- ${first}`, ...more.map((line) => `  ${line}`)];
}
