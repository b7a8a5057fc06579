// Where the master key rests. A source is asked by key id and commitment, so the right key is known when it is seen, and a
// wrong or missing one is an error: no source ever makes a key because it found none (docs/threat-model.md, "Credentials").
import fs from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import type { Random } from "../ports.ts";
import { fromBase64, toBase64 } from "./bytes.ts";
import { type Disk, readPrivate, replace } from "./disk.ts";
import { isKeyNamed, keyError, type KeyName, type KeySource } from "./key-name.ts";
import { keyringSource } from "./keyring.ts";
import type { KeyProvider } from "./model.ts";
import { isSealedKey, type Kdf, openMasterKey, sealMasterKey } from "./passphrase.ts";
import { KEY_BYTES } from "./seal.ts";

export interface KeySourceContext {
  readonly folder: string;
  readonly disk: Disk;
  readonly random: Random;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `secrets.key-command`. */
  readonly command: readonly string[];
  readonly kdf: Kdf;
  /** Asks a person, hidden. @returns undefined if nobody is there */
  readonly ask: (prompt: string) => Promise<Buffer | undefined>;
}

export function keySource(provider: KeyProvider, context: KeySourceContext): KeySource {
  switch (provider) {
    case "keyring":
      return keyringSource();
    case "file":
    case "passphrase":
      return fileSource(provider, context);
    case "env":
      return handed("the variable FOREGONE_MASTER_KEY", () => Promise.resolve(context.env["FOREGONE_MASTER_KEY"]));
    case "fd":
      return handed("the descriptor FOREGONE_MASTER_KEY_FD", () => Promise.resolve(fromDescriptor(context.env)));
    case "systemd":
      return handed("the systemd credential foregone-master-key", () => Promise.resolve(fromSystemd(context.env)));
    case "command":
      return handed("secrets.key-command", () => fromCommand(context.command));
    default:
      return provider satisfies never;
  }
}

/** Keys as text: base64 of 32 bytes each, separated by white space. Older ones may follow during a rotation. */
function handed(where: string, read: () => Promise<string | undefined>): KeySource {
  const keys = async (): Promise<readonly Buffer[]> => {
    const text = await read();
    if (text === undefined || text.trim() === "")
      throw keyError(`no master key: ${where} is empty`, "hand over base64 of 32 bytes: openssl rand -base64 32");
    return text
      .trim()
      .split(/\s+/)
      .map((word) => {
        const key = fromBase64(word);
        if (key?.length !== KEY_BYTES)
          throw keyError(`${where} does not hold base64 of 32 bytes`, "openssl rand -base64 32");
        return key;
      });
  };
  return {
    async load(name) {
      const key = (await keys()).find((candidate) => isKeyNamed(name, candidate));
      if (key === undefined)
        throw keyError(
          `wrong master key: ${where} has another key than ${name.kid}`,
          `hand over the key of this store`,
        );
      return key;
    },
    async offered(_kid, current) {
      const fresh = (await keys()).filter((key) => current === undefined || !isKeyNamed(current, key));
      const [key, ...others] = fresh;
      if (key === undefined || others.length > 0)
        throw keyError(
          `${where} must offer exactly one new key, and has ${fresh.length}`,
          "put the new key first, the old one after it",
        );
      return key;
    },
  };
}

function fileSource(provider: "file" | "passphrase", context: KeySourceContext): KeySource {
  const { folder, disk, random, kdf } = context;
  const path = (kid: string): string => join(folder, `.master_key.${kid}`);
  const wanted = provider === "file" ? "foregone-master-key/1" : "foregone-sealed-key/1";
  let passphrase: Promise<Buffer> | undefined;
  const ask = (): Promise<Buffer> => (passphrase ??= askPassphrase(context));

  const parse = async (line: string, name: KeyName): Promise<Buffer> => {
    if (provider === "passphrase" && isSealedKey(line)) {
      const opened = await openMasterKey(await ask(), line);
      if (opened === "wrong-passphrase") throw keyError("wrong passphrase", "FOREGONE_PASSPHRASE_FD or a terminal");
      if (opened !== "not-a-key" && isKeyNamed(name, opened.master)) return opened.master;
    }
    const [, kid = "", text = ""] = /^foregone-master-key\/1 kid=(k[0-9]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    const key = fromBase64(text);
    if (kid === name.kid && key !== undefined && isKeyNamed(name, key)) return key;
    throw keyError(`${path(name.kid)} does not hold key ${name.kid} as ${wanted}`, "put the right key file back");
  };
  return {
    async load(name) {
      const bytes = readPrivate(path(name.kid), 4096);
      if (bytes === undefined)
        throw keyError(
          `no master key: ${path(name.kid)} is missing`,
          "put it back, or import an export: foregone secrets import --help",
        );
      return parse(bytes.toString("utf8").trimEnd(), name);
    },
    async keep(name, master) {
      const line =
        provider === "file"
          ? `foregone-master-key/1 kid=${name.kid} ${toBase64(master)}`
          : await sealMasterKey(random, await ask(), name.kid, master, kdf);
      replace(disk, path(name.kid), Buffer.from(`${line}\n`));
      await this.load(name);
    },
    remove(name) {
      disk.remove(path(name.kid));
      return Promise.resolve();
    },
  };
}

async function askPassphrase({ env, ask }: KeySourceContext): Promise<Buffer> {
  const fd = env["FOREGONE_PASSPHRASE_FD"];
  const given =
    fd !== undefined
      ? readOnce(descriptor(fd, "FOREGONE_PASSPHRASE_FD"))
      : env["FOREGONE_PASSPHRASE"] !== undefined
        ? Buffer.from(env["FOREGONE_PASSPHRASE"])
        : await ask("passphrase of the master key: ");
  const end = given?.at(-1) === 0x0a ? -1 : undefined;
  if (given === undefined || given.length === 0)
    throw keyError("no passphrase, and nobody to ask", "FOREGONE_PASSPHRASE_FD=3 foregone secrets ... 3< FILE");
  return given.subarray(0, end);
}

let descriptorText: string | undefined;
function fromDescriptor(env: KeySourceContext["env"]): string | undefined {
  const fd = env["FOREGONE_MASTER_KEY_FD"];
  if (fd === undefined) return undefined;
  // A pipe can be read once; a process that rotates asks twice.
  return (descriptorText ??= readOnce(descriptor(fd, "FOREGONE_MASTER_KEY_FD")).toString("utf8"));
}

/** Closed at once: a descriptor that we inherited would be inherited by the command of `secrets exec` too. */
function readOnce(fd: number): Buffer {
  try {
    const bytes = fs.readFileSync(fd);
    fs.closeSync(fd);
    return bytes;
  } catch (error) {
    throw keyError(`descriptor ${fd} cannot be read: ${(error as NodeJS.ErrnoException).code}`, "... 3< FILE");
  }
}

function descriptor(text: string, name: string): number {
  if (!/^[0-9]{1,4}$/.test(text))
    throw keyError(`${name} is not a descriptor: "${text.slice(0, 20)}"`, `${name}=3 ... 3< FILE`);
  return Number(text);
}

function fromSystemd(env: KeySourceContext["env"]): string | undefined {
  const folder = env["CREDENTIALS_DIRECTORY"];
  if (folder === undefined) return undefined;
  try {
    return fs.readFileSync(join(folder, "foregone-master-key"), "utf8");
  } catch {
    return undefined;
  }
}

async function fromCommand(command: readonly string[]): Promise<string | undefined> {
  const [program, ...args] = command;
  if (program === undefined)
    throw keyError("secrets.key-command is empty", "secrets.key-command: [pass, show, foregone]");
  const child = spawn(program, args, { stdio: ["inherit", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const status = await new Promise<number | string>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "failed"));
    child.once("close", (code, signal) => resolve(code ?? signal ?? "failed"));
  });
  if (status !== 0) throw keyError(`secrets.key-command ended with ${status}`, `run it by hand: ${program}`);
  return Buffer.concat(chunks).toString("utf8");
}
