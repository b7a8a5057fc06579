#!/usr/bin/env node
// A stand-in for the CodeQL CLI, which may not be installed freely: it speaks the documented command line
// (docs.github.com, "CodeQL CLI commands manual") and writes SARIF that a real CodeQL wrote. CODEQL_STAND_IN_SARIF names that
// file; CODEQL_STAND_IN_LOG gets one line a call.
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [, , ...args] = process.argv;
const { CODEQL_STAND_IN_SARIF: recorded = "", CODEQL_STAND_IN_LOG: log = "" } = process.env;
if (log !== "") appendFileSync(log, `${args.join(" ")}\n`);

/** @param {string} name */
const option = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);

/** @param {string} message */
function fail(message) {
  process.stderr.write(`A fatal error occurred: ${message}\n`);
  process.exit(2);
}

const command = args.slice(0, 2).join(" ");
if (args[0] === "version") {
  process.stdout.write(
    `${JSON.stringify({ productName: "CodeQL", version: "2.19.0", sha: "e99d7db428fc3981c9a1f03f03a024ac40e52f54" })}\n`,
  );
} else if (command === "database create") {
  const database = args.find((arg, i) => i > 1 && !arg.startsWith("--"));
  if (database === undefined || option("language") === undefined) fail("database create wants a language and a folder");
  else {
    mkdirSync(database, { recursive: true });
    writeFileSync(join(database, "codeql-database.yml"), `primaryLanguage: ${option("language")}\n`);
  }
} else if (command === "database analyze") {
  const database = args.find((arg, i) => i > 1 && !arg.startsWith("--")) ?? "";
  const output = option("output");
  if (!existsSync(join(database, "codeql-database.yml"))) fail(`${database} is not a database`);
  else if (output === undefined || !/^sarif(v2\.1\.0|-latest)$/.test(option("format") ?? ""))
    fail("no SARIF output asked for");
  else {
    copyFileSync(recorded, output);
    process.stderr.write(`Interpreting results (${readFileSync(recorded).length} bytes)\n`);
  }
} else fail(`unknown command ${command}`);
