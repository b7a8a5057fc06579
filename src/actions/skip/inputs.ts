// The inputs of the root action as settings. A value that is wrong is a mistake to mend, found before anything runs; a value that
// is not given leaves the configuration's.
import type { GapKind } from "../../core/gap.ts";
import { duration } from "../../config/kind.ts";
import type { ChosenOptions } from "../../cli/skip-options.ts";
import type { SkipOptions } from "../../memo/options.ts";
import type { TrustLevel } from "../../core/trust.ts";
import type { Host } from "../host.ts";
import { REMOTE_LAYERS, type RemoteLayer } from "../remote-records.ts";
import { type EnvChoice, parseEnvInput } from "./environment.ts";

export interface SkipInputs {
  /** Empty: job mode. */
  readonly run: string;
  readonly workingDirectory: string;
  readonly shell: string;
  readonly env: EnvChoice;
  readonly trust: TrustLevel;
  /** Beyond the disk. */
  readonly layers: readonly RemoteLayer[];
  readonly token: string;
  readonly explain: "brief" | "full";
  /** Everything else, over the configuration's values. */
  options(base: SkipOptions): SkipOptions;
}

const KINDS: Record<GapKind, true> = {
  "input-modified": true,
  "untraced-network": true,
  "untraced-process": true,
  "events-lost": true,
  "opaque-service": true,
  "io-uring": true,
  "privileged-job": true,
  "partial-run": true,
  "event-read": true,
  "side-effect": true,
  "too-large": true,
  "foreign-definition": true,
  "no-observer": true,
  unresolved: true,
  "unresolved-path": true,
  "git-head-used": true,
  "secret-output": true,
  "expression-context": true,
  "step-tolerated": true,
  "job-outputs": true,
  "overlapping-steps": true,
};

const DAY_MS = 24 * 3_600_000;
const LAYERS: readonly string[] = ["auto", "disk", ...REMOTE_LAYERS];

export function readInputs(host: Host): SkipInputs | { readonly mistake: string } {
  const given = (name: string): string => host.input(name);
  const env = parseEnvInput(given("env"));
  if ("mistake" in env) return env;
  const trust = oneOf(given("trust"), ["repository", "protected", "scope"] as const);
  const image = oneOf(given("image"), ["exact", "os"] as const);
  const explain = oneOf(given("explain"), ["brief", "full"] as const);
  const maxAge = given("max-age") === "" ? undefined : duration().parseText(given("max-age"));
  const audit = given("audit") === "" ? undefined : Number(given("audit").replace(/^1\//, ""));
  const store = list(given("store"));
  if (trust === undefined) return wrong("trust", given("trust"), "protected, repository or scope");
  if (image === undefined) return wrong("image", given("image"), "exact or os");
  if (explain === undefined) return wrong("explain", given("explain"), "brief or full");
  if (maxAge?.ok === false) return wrong("max-age", given("max-age"), "a duration such as 12h or 7d");
  if (audit !== undefined && !(Number.isSafeInteger(audit) && audit >= 0))
    return wrong("audit", given("audit"), "a whole number: 1 in that many; 0 is never");
  for (const name of store) if (!LAYERS.includes(name)) return wrong("store", name, `of ${LAYERS.join(", ")}`);
  const ignore = list(given("ignore"));
  const network = list(given("network"));
  // A glob may hold a comma.
  const outputs = given("outputs")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return {
    run: given("run"),
    workingDirectory: given("working-directory"),
    shell: given("shell"),
    env,
    trust,
    layers: REMOTE_LAYERS.filter((name) => store.length === 0 || store.includes("auto") || store.includes(name)),
    token: given("token"),
    explain,
    options: (base) => ({
      ...base,
      ...(maxAge?.ok === true && { maxAgeMs: maxAge.value }),
      ...(audit !== undefined && { audit: audit === 0 ? 0 : 1 / audit }),
      ...(outputs.length > 0 && { outputs: outputsOf(outputs) }),
      env: "hash",
      accept: [...base.accept, ...ignore.filter(isGap)],
      ignore: [
        ...base.ignore,
        ...ignore.filter((name) => !isGap(name)),
        ...(image === "os" ? ["image.version"] : []),
        ...env.unobserved.map((name) => `env:${name}`),
      ],
      // `pinned` installers are allowed always; other names are hosts whose answers live a day.
      network: [
        ...base.network,
        ...network.filter((name) => name !== "refuse" && name !== "pinned").map((host) => ({ host, ttlMs: DAY_MS })),
      ],
      salt: given("salt"),
    }),
  };
}

function outputsOf(outputs: readonly string[]): SkipOptions["outputs"] {
  const [only] = outputs;
  if (outputs.length > 1) return outputs;
  return only === "auto" ? "workspace" : only === "none" ? "none" : outputs;
}

function isGap(name: string): boolean {
  return Object.hasOwn(KINDS, name.split(":")[0] ?? "");
}

/** `skip.privileged-jobs` of the configuration names jobs that may be skipped all the same. */
export function privilegedAccepted(chosen: ChosenOptions, job: string): readonly string[] {
  const listed = chosen.resolved?.config["skip.privileged-jobs"] ?? [];
  return listed.includes(job) ? ["privileged-job"] : [];
}

function list(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** Not given: the first. */
function oneOf<T extends string>(text: string, words: readonly [T, ...T[]]): T | undefined {
  return text === "" ? words[0] : words.find((word) => word === text);
}

function wrong(name: string, value: string, want: string): { readonly mistake: string } {
  return { mistake: `input ${name} is "${value}"; it must be ${want}` };
}
