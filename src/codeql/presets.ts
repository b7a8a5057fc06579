// Other producers of SARIF: a preset is a row of this table, not code. What a row does not know (an unknown interpreter, a
// rule set by a moving name, a database without a date) is a gap, and the scan runs.
import type { InertKind } from "./inert.ts";
import type { Tier } from "./source.ts";

export interface Preset {
  readonly name: string;
  /** Names the driver has in its SARIF; empty: any. */
  readonly drivers: readonly string[];
  /** Programs by which it is recognised. */
  readonly commands: readonly string[];
  /**
   * How its version is known. `npm`: its package and the list of all installed packages. `command`: it is asked. `file`: the
   * digest of the program, enough only for one that is a single binary.
   */
  readonly version: "npm" | "command" | "file";
  readonly tier: Tier;
  readonly inert: InertKind;
  /** Where the tool reads nothing else when it walks a folder, by its own list: all other files are inert. */
  readonly reads: RegExp | undefined;
  /** Packages that make the tool read prose: then prose is not inert. */
  readonly proseIf: RegExp | undefined;
  readonly env: RegExp;
  /** Names of its configuration files: those above the checkout count too. */
  readonly configs: RegExp;
  /** Options whose value is the file the SARIF is written to; without one of them it comes on stdout. */
  readonly output: readonly string[];
  /** Below the value of an output option, where that is a folder. */
  readonly outputFile?: string;
  /** What it exits with after a complete scan, findings or not. */
  readonly scanned: readonly number[];
  /** Options that make it look at a part only. */
  readonly partial: readonly string[];
  /** Options that name rules; a value that is no file of the checkout is a moving name. */
  readonly rules: readonly string[];
  /** A file that dates its database, below the cache folder. */
  readonly database?: readonly (readonly [variable: string, path: string])[];
  /** It looks things up in a database that no file dates: always a gap. */
  readonly floating?: string;
  /** Its findings hold secrets: they are not kept in shared layers. */
  readonly secrets: boolean;
}

const COMMON = {
  tier: "exact",
  inert: "none",
  reads: undefined,
  proseIf: undefined,
  env: /^$/,
  configs: /^$/,
  scanned: [0, 1],
  partial: [],
  rules: [],
  secrets: false,
} as const;

export const PRESETS: readonly Preset[] = [
  {
    ...COMMON,
    name: "eslint",
    drivers: ["ESLint"],
    commands: ["eslint"],
    version: "npm",
    tier: "relevant",
    inert: "media-and-prose",
    proseIf: /markdown|mdx/i,
    env: /^(?:ESLINT_.*|NODE_OPTIONS)$/,
    configs: /^(?:eslint\.config\.[cm]?[jt]s|\.eslintrc.*|\.eslintignore|package\.json)$/,
    output: ["-o", "--output-file"],
  },
  {
    ...COMMON,
    name: "semgrep",
    drivers: ["Semgrep OSS", "Semgrep PRO", "semgrep"],
    commands: ["semgrep"],
    version: "command",
    tier: "relevant",
    inert: "media",
    env: /^SEMGREP_(?!APP_TOKEN)/,
    output: ["-o", "--output", "--sarif-output"],
    partial: ["--baseline-commit"],
    rules: ["-c", "-f", "--config"],
  },
  {
    ...COMMON,
    name: "trivy",
    drivers: ["Trivy"],
    commands: ["trivy"],
    version: "command",
    env: /^TRIVY_(?!PASSWORD|TOKEN|USERNAME)/,
    output: ["-o", "--output"],
    database: [
      ["TRIVY_CACHE_DIR", "db/metadata.json"],
      ["XDG_CACHE_HOME", "trivy/db/metadata.json"],
      ["HOME", ".cache/trivy/db/metadata.json"],
    ],
  },
  {
    ...COMMON,
    name: "grype",
    drivers: ["grype"],
    commands: ["grype"],
    version: "command",
    env: /^GRYPE_/,
    output: ["--file"],
    database: [
      ["GRYPE_DB_CACHE_DIR", "6/import.json"],
      ["XDG_CACHE_HOME", "grype/db/6/import.json"],
      ["HOME", ".cache/grype/db/6/import.json"],
    ],
  },
  {
    ...COMMON,
    name: "osv-scanner",
    drivers: ["osv-scanner"],
    commands: ["osv-scanner"],
    version: "command",
    output: ["--output"],
    floating: "the OSV database, asked online",
  },
  {
    ...COMMON,
    name: "flawfinder",
    drivers: ["Flawfinder"],
    commands: ["flawfinder"],
    version: "command",
    tier: "relevant",
    // Its `c_extensions`, 2.0.19.
    reads: /\.(?:c|h|ec|ecp|pgc|C|cpp|CPP|cxx|cc|CC|c\+\+|pcc|pc|sc|hpp|H)$/,
    output: [],
    partial: ["--diffhitlist", "-P", "--patch"],
  },
  {
    ...COMMON,
    name: "cppcheck",
    drivers: ["Cppcheck", "cppcheck"],
    commands: ["cppcheck"],
    version: "command",
    output: ["--output-file"],
    partial: ["--cppcheck-build-dir"],
    scanned: [0],
  },
  {
    ...COMMON,
    name: "secretlint",
    drivers: ["secretlint"],
    commands: ["secretlint"],
    version: "npm",
    configs: /^\.secretlint(?:rc.*|ignore)$/,
    output: ["--output", "-o"],
    secrets: true,
  },
  {
    ...COMMON,
    name: "jscpd",
    drivers: ["jscpd"],
    commands: ["jscpd"],
    version: "npm",
    configs: /^\.jscpd\.json$/,
    tier: "relevant",
    inert: "media",
    output: ["-o", "--output"],
    outputFile: "jscpd-sarif.json",
  },
  { ...COMMON, name: "sarif", drivers: [], commands: [], version: "file", output: [], scanned: [0] },
];

/** Known by no preset, but by what they look for. */
const SECRET_SCANNERS = /^(?:gitleaks|trufflehog|detect-secrets|ggshield|talisman|noseyparker|kingfisher|whispers)/;

/** Do its findings hold secrets? Then they stay on this machine. @param argv0 the program, without folder and extension */
export function findsSecrets({ secrets }: Preset, argv0: string): boolean {
  return secrets || SECRET_SCANNERS.test(argv0);
}

/** @param argv0 the program, without folder and extension */
export function presetFor(argv0: string): Preset | undefined {
  return PRESETS.find(({ commands }) => commands.includes(argv0));
}

export function presetNamed(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}
