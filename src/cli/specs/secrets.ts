// `foregone secrets`: the credential manager.
import { type CommandSpec, JSON_OPTION, type OptionSpec } from "../command.ts";
import { outOption, socketOption } from "./options.ts";
import { brokerSpec } from "./secrets-broker.ts";
import { escrowSpecs } from "./secrets-escrow.ts";

const SCOPE: OptionSpec = {
  name: "scope",
  type: "value",
  placeholder: "S",
  summary: "global, owner:O, repo:O/R, workflow:O/R:PATH[@REF], environment:O/R:NAME, runner:ID",
};
const VERSION: OptionSpec = { name: "version", type: "value", placeholder: "N", summary: "one version by number" };
const VALUE: readonly OptionSpec[] = [
  {
    name: "from-file",
    type: "value",
    placeholder: "FILE",
    summary: "read the value from FILE instead of standard input",
  },
  { name: "exact", type: "flag", summary: "keep a trailing line end, which is dropped otherwise" },
];
const TTL: OptionSpec = {
  name: "ttl",
  type: "value",
  placeholder: "AGE",
  summary: "life, e.g. 24h (secrets.default-ttl)",
};
const PROVIDER: OptionSpec = {
  name: "key-provider",
  type: "value",
  placeholder: "P",
  summary: "keyring, file, passphrase, env, fd, systemd or command",
};
const KDF: OptionSpec = {
  name: "kdf",
  type: "value",
  placeholder: "K",
  summary: "for a passphrase: scrypt (default), or pbkdf2 where FIPS demands it",
};

export const secretsSpecs: readonly CommandSpec[] = [
  {
    name: "secrets",
    summary: "keep credentials: scoped, encrypted, expiring, audited",
    usage: "COMMAND [options]",
    options: [],
    subcommands: [
      {
        name: "init",
        summary: "make a store and its master key; never over an existing one",
        usage: "[--key-provider P] [--audit-recipient age1...]",
        options: [
          PROVIDER,
          KDF,
          {
            name: "audit-recipient",
            type: "value",
            placeholder: "age1...",
            summary: "only this auditor can verify the audit log, and nobody can forge it",
          },
          JSON_OPTION,
        ],
        examples: ["foregone secrets init --key-provider file"],
        load: () => import("../commands/secrets-init.ts"),
      },
      {
        name: "set",
        summary: "store a value; a new version if the name is there already",
        usage: "NAME --scope S [options] < VALUE",
        details:
          "The value comes from standard input, from a file, or from a hidden prompt: never from the command line.",
        options: [
          SCOPE,
          ...VALUE,
          TTL,
          { name: "no-expiry", type: "flag", summary: "valid until replaced (needs secrets.allow-no-expiry)" },
          {
            name: "not-before",
            type: "value",
            placeholder: "TIME",
            summary: "valid from then on: ISO time, or an age from now",
          },
          {
            name: "rotate-after",
            type: "value",
            placeholder: "AGE",
            summary: "warn from then on that it should be rotated",
          },
          {
            name: "if",
            type: "list",
            placeholder: "KEY=GLOB",
            summary:
              "only for jobs whose claim matches: ref, branch, ref_type, event_name, runner_environment, job_workflow_ref, repo_property_*",
          },
          {
            name: "modes",
            type: "value",
            placeholder: "M,...",
            summary: "only in these ways: exec, file, output, env",
          },
          {
            name: "assurance",
            type: "value",
            placeholder: "A",
            summary: "weakest proof that opens it: oidc (default), token, local",
          },
          { name: "deny", type: "flag", summary: "no value: nobody in this scope gets the name" },
          JSON_OPTION,
        ],
        examples: [
          'printf %s "$TOKEN" | foregone secrets set DEPLOY_TOKEN --scope environment:acme/shop:production',
          "foregone secrets set NPM_TOKEN --scope repo:acme/shop --ttl 7d --if branch=main --from-file token.txt",
        ],
        load: () => import("../commands/secrets-set.ts"),
      },
      {
        name: "get",
        summary: "print a value to a pipe or a private file",
        usage: "NAME [--scope S] [--version N] [--out FILE | --show]",
        options: [
          SCOPE,
          VERSION,
          outOption("write a new file of mode 0600"),
          { name: "show", type: "flag", summary: "print it even to a terminal" },
        ],
        load: () => import("../commands/secrets-get.ts"),
      },
      {
        name: "list",
        summary: "names, scopes, versions and states; never values",
        usage: "[--scope S] [--expiring AGE] [--json]",
        options: [
          SCOPE,
          { name: "expiring", type: "value", placeholder: "AGE", summary: "only what ends within AGE" },
          JSON_OPTION,
        ],
        load: () => import("../commands/secrets-list.ts"),
      },
      {
        name: "rotate",
        summary: "store a new version; the old one stays valid through the grace",
        usage: "NAME --scope S [--grace AGE] [--generate N] < VALUE",
        options: [
          SCOPE,
          ...VALUE,
          TTL,
          { name: "no-expiry", type: "flag", summary: "valid until replaced (needs secrets.allow-no-expiry)" },
          {
            name: "grace",
            type: "value",
            placeholder: "AGE",
            summary: "how long the old version stays valid (secrets.rotate-grace)",
          },
          {
            name: "generate",
            type: "value",
            placeholder: "N",
            summary: "draw N letters and digits instead of reading a value",
          },
          JSON_OPTION,
        ],
        load: () => import("../commands/secrets-rotate.ts"),
      },
      {
        name: "rotate-master",
        summary: "make a new master key and wrap every data key anew",
        usage: "[--key-provider P]",
        options: [PROVIDER, KDF, JSON_OPTION],
        load: () => import("../commands/secrets-rotate-master.ts"),
      },
      {
        name: "remove",
        summary: "delete a credential, one version of it, or all that has expired",
        usage: "NAME --scope S [--version N] | --expired",
        options: [
          SCOPE,
          VERSION,
          { name: "expired", type: "flag", summary: "every version whose time is over" },
          JSON_OPTION,
        ],
        load: () => import("../commands/secrets-remove.ts"),
      },
      {
        name: "exec",
        summary: "run a command with credentials in its environment alone, and redact its output",
        usage: "[--scope S] [--only A,B] [--as NAME=ENV]... -- CMD ARGS...",
        details:
          "The exit code is the command's own; 125 if a credential was denied and nothing was started. In a job the broker\n" +
          "is asked, with the job's OIDC token, for the names of --only.",
        options: [
          SCOPE,
          {
            name: "only",
            type: "value",
            placeholder: "A,B",
            summary: "these names; default: all that the caller may have",
          },
          { name: "as", type: "list", placeholder: "NAME=ENV", summary: "give NAME as the variable ENV" },
          { name: "no-redact", type: "flag", summary: "hand the terminal over: nothing is redacted" },
          socketOption("the broker's socket (secrets.broker.socket)"),
          {
            name: "audience",
            type: "value",
            placeholder: "TEXT",
            summary: "audience of the token, if the broker's own is not to be believed",
          },
        ],
        passThrough: true,
        ownsStreams: true,
        examples: ["foregone secrets exec --only DEPLOY_TOKEN -- ./deploy.sh"],
        load: () => import("../commands/secrets-exec.ts"),
      },
      {
        name: "audit",
        summary: "who asked for what, what was decided, and why",
        usage: "[--since T] [--denied] [--last N] [--json]",
        options: [
          { name: "since", type: "value", placeholder: "T", summary: "ISO time, or an age such as 24h" },
          { name: "denied", type: "flag", summary: "only denials" },
          { name: "last", type: "value", placeholder: "N", summary: "only the newest N lines" },
          JSON_OPTION,
        ],
        load: () => import("../commands/secrets-audit.ts"),
        subcommands: [
          {
            name: "verify",
            summary: "prove that the log is whole: exit 1 and places if it is not",
            usage: "[--key FILE] [--checkpoint FILE]... [--json]",
            options: [
              { name: "key", type: "value", placeholder: "FILE", summary: "the auditor's age identity" },
              { name: "checkpoint", type: "list", placeholder: "FILE", summary: "checkpoints kept elsewhere" },
              JSON_OPTION,
            ],
            load: () => import("../commands/secrets-audit-verify.ts"),
          },
        ],
      },
      {
        name: "doctor",
        summary: "check key, permissions, audit log, expiries and leftovers: exit 1 if something is wrong",
        usage: "[--fix] [--json]",
        options: [
          {
            name: "fix",
            type: "flag",
            summary: "mend modes, remove leftovers, and accept a store that was restored on purpose",
          },
          JSON_OPTION,
        ],
        load: () => import("../commands/secrets-doctor.ts"),
      },
      ...escrowSpecs(SCOPE),
      brokerSpec,
    ],
  },
];
