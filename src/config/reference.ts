// docs/configuration.md, made from the table.
import { OTHER_VARIABLES } from "./env.ts";
import { CONFIG_FILES } from "./load.ts";
import { FOUNDING } from "./founding.ts";
import { defaultOf, envName, type Setting, type Tighten } from "./setting.ts";
import { KEYS, SETTINGS } from "./settings.ts";

const SECTIONS: Readonly<Record<string, string>> = {
  skip: "Skipping: when a result may be reused",
  trace: "Tracing: who watches",
  store: "The store",
  api: "The GitHub API cache",
  codeql: "The CodeQL and SARIF cache",
  secrets: "Credentials",
  p2p: "Peers",
  agent: "The agent",
  metrics: "Metrics",
  dashboard: "The dashboard",
};

export function configurationReference(): readonly string[] {
  const lines = [
    "# Configuration",
    "",
    "Nothing has to be configured. What is, is taken in this order, highest first:",
    "",
    "1. options of a command and inputs of an action,",
    "2. environment variables: `FOREGONE_` and the key in capitals (`skip.max-age` is `FOREGONE_SKIP_MAX_AGE`), or a founding name,",
    ...CONFIG_FILES.map(
      (file, i) => `${i + 3}. \`${file}\`${i === 1 ? " (the section `p2p:` in a file of its own)" : ""},`,
    ),
    "5. the defaults below.",
    "",
    "`FOREGONE_CONFIG=FILE` reads one other file instead of the two. `foregone config show --origin` says where each value",
    "came from, `foregone config validate` checks the files, `foregone config schema` prints a JSON Schema for editors.",
    "",
    "An unknown key is an error: a typo in a security setting must not pass. `foregone run` then runs the command without",
    "skipping, and says why. Durations are written `30s`, `5m`, `24h`, `7d`, sizes `64MiB`, shares `1/50`.",
    "",
    "In GitHub Actions the files of a checkout that is not the default branch may be a pull request's. There, settings with",
    "an entry under *pull request* can only be tightened against the default branch's version (against the defaults, if the",
    "checkout does not have that branch); `env:` and `with:` stand as written, because who writes the workflow owns the job.",
    "",
  ];
  for (const [section, title] of Object.entries(SECTIONS)) {
    lines.push(`## ${title}`, "", "| key | default | what it does | pull request |", "|---|---|---|---|");
    for (const key of KEYS) {
      if (!key.startsWith(`${section}.`)) continue;
      const setting: Setting = SETTINGS[key];
      const founding = [
        ...(setting.env ?? []).map((name) => `\`$${name}\``),
        ...Object.entries(FOUNDING).flatMap(([name, f]) => (f.is === "alias" && f.key === key ? [`\`${name}\``] : [])),
      ];
      const only = setting.secret === true ? `; only as \`$${envName(key)}\`` : "";
      const also = founding.length > 0 ? `; also ${founding.join(", ")}` : "";
      const shown = setting.kind.show(defaultOf(key, setting));
      lines.push(
        `| \`${key}\` | \`${shown}\` | ${setting.doc}: ${cell(setting.kind.want)}${only}${also} | ${tightenWords(setting.tighten)} |`,
      );
    }
    lines.push("");
  }
  lines.push(
    "## Variables that are no settings",
    "",
    "| variable | |",
    "|---|---|",
    ...Object.entries(OTHER_VARIABLES).map(([name, what]) => `| \`${name}\` | ${what} |`),
    "",
    "## Founding keys that changed",
    "",
    "*Held*: only this value makes sense, another is refused with a note. *Retired*: accepted with a note, without effect.",
    "Keys of `p2p.` are those of `.github/p2p-config.yml`.",
    "",
    "| key | | why |",
    "|---|---|---|",
  );
  for (const [name, founding] of Object.entries(FOUNDING)) {
    if (founding.is === "held")
      lines.push(`| \`${name}\` | held: \`${JSON.stringify(founding.value)}\` | ${founding.why} |`);
    if (founding.is === "retired") lines.push(`| \`${name}\` | retired | ${founding.why} |`);
  }
  lines.push("");
  return lines;
}

function cell(words: string): string {
  return words.replaceAll("|", "\\|");
}

function tightenWords(rule: Tighten | undefined): string {
  if (rule === undefined) return "";
  if (typeof rule === "boolean") return `only to \`${rule}\``;
  if (typeof rule !== "string") return rule.map((word) => `\`${word}\``).join(" → ");
  return { lower: "only lower", higher: "only higher", fewer: "only fewer", more: "only more", fixed: "never" }[rule];
}
