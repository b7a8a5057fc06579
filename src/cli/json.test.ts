import { expect, test } from "vitest";
import { runCli } from "../testing/cli.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import type { CommandSpec } from "./command.ts";
import { commands } from "./table.ts";

/** Their output is somebody else's, a format of its own, or for a person's eyes only. */
const WITHOUT: Readonly<Record<string, string>> = {
  run: "the command's streams",
  "api exec": "the command's streams",
  "sarif run": "the scanner's streams",
  "secrets exec": "the command's streams",
  "api get": "GitHub's JSON",
  "config schema": "JSON Schema",
  "codeql replay": "SARIF",
  "sarif merge": "SARIF",
  "sarif fingerprint": "SARIF",
  "sarif summary": "Markdown",
  "secrets get": "the value",
  "secrets export": "an age file",
  "peers new-secret": "a secret, to be piped",
  "peers root-key": "a key, to be piped",
  "peers grant": "a grant, to be piped",
  completions: "a shell script",
  man: "troff",
  init: "the files it writes",
  "agent logs": "the log",
  "agent install": "a systemd unit",
  "codeql store": "two lines that say what a later check finds",
  prove: "a proof for a person to read",
};

function named(specs: readonly CommandSpec[], prefix = ""): readonly (readonly [string, CommandSpec])[] {
  return specs
    .filter((spec) => spec.hidden !== true)
    .flatMap((spec) => {
      const name = `${prefix}${spec.name}`;
      return [
        ...(spec.load === undefined ? [] : [[name, spec] as const]),
        ...named(spec.subcommands ?? [], `${name} `),
      ];
    });
}

test("every command has --json, or its output is no facts of ours", () => {
  const without = named(commands).filter(([, { options }]) => options.every(({ name }) => name !== "json"));
  expect(without.map(([name]) => name).filter((name) => WITHOUT[name] === undefined)).toEqual([]);
});

test("what changes something says so as JSON, and nothing else on stdout", async () => {
  const root = temporaryFolder();
  const env = { PATH: process.env["PATH"] ?? "", HOME: root, XDG_RUNTIME_DIR: root };
  const facts = async (argv: readonly string[], stdin = ""): Promise<unknown> => {
    const { code, stdout, stderr } = await runCli([...argv, "--json"], { cwd: root, env, stdin });
    expect([code, stderr], argv.join(" ")).toEqual([0, ""]);
    return JSON.parse(stdout);
  };
  expect(await facts(["secrets", "init", "--key-provider", "file"])).toMatchObject({ keyProvider: "file" });
  const set = ["secrets", "set", "T", "--scope", "global"];
  expect(await facts(set, "hunter2hunter2")).toMatchObject({ name: "T", version: 1, scope: "global", audit: 1 });
  expect(await facts(["secrets", "rotate-master"])).toMatchObject({ kid: "k2", versions: 1, old: { kid: "k1" } });
  expect(await facts(["secrets", "remove", "T", "--scope", "global"])).toMatchObject({ removed: 1 });
  expect(await facts(["api", "clear"])).toMatchObject({ proxy: false });
  expect(await facts(["agent", "stop"])).toEqual({ stopped: null });
  expect(await facts(["gc"])).toMatchObject({ entriesRemoved: 0 });
}, 30_000);
