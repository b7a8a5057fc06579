// The OS keyring: Secret Service on Linux, Keychain, Credential Manager. On Linux always pinned to the Secret Service: unpinned,
// the library falls back to the kernel's session keyring, says that all is well, and the key is gone at the next boot.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { createHash } from "node:crypto";
import { ForegoneError } from "../core/errors.ts";
import { fromBase64, toBase64 } from "./bytes.ts";
import { isKeyNamed, keyError, type KeyName, type KeySource } from "./key-name.ts";

const SERVICE = "foregone";
const PINNED = { linux: { store: "secret-service" } } as const;
/** A locked keyring may ask a person at a desktop; nobody answers in CI. */
const TIMEOUT_MS = 60_000;

interface Entry {
  getPassword(signal?: AbortSignal): Promise<string | null>;
  setPassword(text: string, signal?: AbortSignal): Promise<void>;
  deleteCredential(signal?: AbortSignal): Promise<boolean>;
}

export function keyringSource(): KeySource {
  return {
    async load(name) {
      const text = await asked(name, (entry) => entry.getPassword(AbortSignal.timeout(TIMEOUT_MS)));
      if (text === null)
        throw keyError(
          `no master key: the keyring has no entry "${account(name)}" of "${SERVICE}"`,
          "log in to the session that has it",
        );
      const key = fromBase64(text);
      if (key === undefined || !isKeyNamed(name, key))
        throw keyError(
          `wrong master key: the keyring's entry "${account(name)}" is another key`,
          "restore the keyring",
        );
      return key;
    },
    async keep(name, master) {
      const text = toBase64(master);
      await asked(name, (entry) => entry.setPassword(text, AbortSignal.timeout(TIMEOUT_MS)));
      if (!isReadByFreshProcess(name, text))
        throw keyError(
          "the keyring does not give the key back to a new process",
          "use another place: --key-provider file",
        );
    },
    async remove(name) {
      await asked(name, (entry) => entry.deleteCredential(AbortSignal.timeout(TIMEOUT_MS)));
    },
  };
}

function account(name: KeyName): string {
  return `${name.kid}:${name.kc.slice(0, 32)}`;
}

async function asked<T>(name: KeyName, ask: (entry: Entry) => Promise<T>): Promise<T> {
  try {
    const { AsyncEntry } = await import("@napi-rs/keyring");
    return await ask(new AsyncEntry(SERVICE, account(name), PINNED));
  } catch (error) {
    if (error instanceof ForegoneError) throw error;
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new ForegoneError("E_KEY", `the keyring cannot be used: ${why}`, {
      hint: /unlock|locked/i.test(why)
        ? "unlock the keyring, then try again"
        : "use another place: --key-provider file",
      cause: error,
    });
  }
}

/** Only a digest comes back: the key itself does not travel through a pipe. */
function isReadByFreshProcess(name: KeyName, text: string): boolean {
  const script = `const { AsyncEntry } = require(process.argv[1]);
    new AsyncEntry(${JSON.stringify(SERVICE)}, process.argv[2], ${JSON.stringify(PINNED)}).getPassword().then((text) =>
      process.stdout.write(require("node:crypto").createHash("sha256").update(text ?? "").digest("hex")));`;
  const library = createRequire(import.meta.url).resolve("@napi-rs/keyring");
  const { stdout } = spawnSync(process.execPath, ["-e", script, library, account(name)], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  return stdout === createHash("sha256").update(text).digest("hex");
}
