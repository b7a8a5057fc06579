// `foregone run` below `secrets exec`: what a command was given as a credential is found in nothing that was kept of it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Child, childOf, type Finished } from "../src/testing/child.ts";
import { SecretsCli } from "../src/testing/secrets-cli.ts";

const VALUE = "sw0rdfish-sw0rdfish";

let child: Child;
beforeAll(async () => {
  child = await childOf("src/testing/cli-child.ts");
});
afterAll(() => child[Symbol.dispose]());

interface Lab {
  /** Runs a script below `secrets exec` and `run`. */
  run(script: string, ...args: readonly string[]): Promise<Finished>;
  /** Everything in the store, unpacked where it is packed. */
  kept(): string;
}

async function labOf(): Promise<Lab> {
  const lab = await SecretsCli.of(child);
  await lab.set("TOKEN", VALUE);
  const store = join(lab.home, "store");
  // Unobserved: what is kept of a run is judged the same way under every observer.
  Object.assign(lab.env, { FOREGONE_CACHE_DIR: store, FOREGONE_TRACE_BACKEND: "none" });
  return {
    run(script, ...args) {
      const inner = [process.execPath, child.file, "run", "--", process.execPath, "-e", script, ...args];
      return lab.secrets(["exec", "--only", "TOKEN", "--no-redact", "--", ...inner]);
    },
    kept: () =>
      readdirSync(store, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => unpacked(readFileSync(join(entry.parentPath, entry.name))))
        .join("\n"),
  };
}

/** With whatever raw deflate stream begins anywhere in it: a record holds two. */
function unpacked(bytes: Buffer): string {
  const found = [bytes.toString("latin1")];
  for (let at = 0; at < bytes.length; at++)
    try {
      found.push(inflateRawSync(bytes.subarray(at)).toString("latin1"));
    } catch {
      // None begins here.
    }
  return found.join("\n");
}

test.each([
  ["stdout", `process.stdout.write("token " + process.env.TOKEN + "\\n")`],
  [
    "stdout",
    `process.stdout.write("sw0rd"); setImmediate(() => process.stdout.write("fish-sw0rd", () => process.stdout.write("fish")))`,
  ],
  ["stderr", `console.error(Buffer.from("user:" + process.env.TOKEN).toString("base64"))`],
])("a command that prints one on %s is not recorded", async (what, script) => {
  const lab = await labOf();
  for (let i = 0; i < 2; i++) {
    const { code, stderr } = await lab.run(script);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`foregone: not recorded: a credential in ${what}`)]);
  }
  expect(lab.kept()).not.toContain(VALUE);
});

test("nor one that is given it as an argument, whose log line hides it", async () => {
  const lab = await labOf();
  const { stderr } = await lab.run("console.log('done')", "--", "--header", `bearer ${VALUE}`);
  expect(stderr).toContain("not recorded: a credential in an argument or path");
  const kept = lab.kept();
  expect(kept).not.toContain(VALUE);
  expect(kept).toContain("bearer ***");
  expect(kept).toContain("secret-output");
});

test("one that keeps it to itself is recorded", async () => {
  const lab = await labOf();
  const { stderr } = await lab.run("console.log('token of ' + process.env.TOKEN.length)");
  expect(stderr).toContain("no-observer");
  const kept = lab.kept();
  expect(kept).toContain("token of 19");
  expect(kept).not.toContain(VALUE);
});
