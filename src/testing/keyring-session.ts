// A D-Bus session with a real, unlocked gnome-keyring, as a desktop has it: for tests of the OS keyring.
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

export interface KeyringSession {
  readonly env: Readonly<Record<string, string>>;
  /** As after the screen was locked: nobody answers the prompt. */
  lock(): Promise<void>;
  close(): Promise<void>;
}

/** @returns the program that is missing, or undefined */
export function missingKeyringProgram(): string | undefined {
  return ["dbus-daemon", "dbus-send", "gnome-keyring-daemon"].find(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
}

/** @param home an empty folder; the keyring's files go below it */
export async function startKeyringSession(home: string): Promise<KeyringSession> {
  const runtime = join(home, "run");
  mkdirSync(runtime, { mode: 0o700 });
  const base = { PATH: process.env["PATH"] ?? "", HOME: home, XDG_RUNTIME_DIR: runtime };
  const bus = spawn("dbus-daemon", ["--session", "--nofork", "--print-address=1"], {
    env: base,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const address = await new Promise<string>((resolve, reject) => {
    bus.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    bus.once("error", reject);
    bus.once("close", () => reject(new Error("dbus-daemon ended")));
  });
  const env = { ...base, DBUS_SESSION_BUS_ADDRESS: address };
  const keyring = spawn("gnome-keyring-daemon", ["--unlock", "--components=secrets", "--foreground"], {
    env,
    stdio: ["pipe", "ignore", "ignore"],
  });
  keyring.stdin.end("password of the keyring");
  const call = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)("dbus-send", ["--session", "--print-reply", ...args], { env })).stdout;
  const named = [
    "--dest=org.freedesktop.DBus",
    "/",
    "org.freedesktop.DBus.NameHasOwner",
    "string:org.freedesktop.secrets",
  ];
  const close = async (): Promise<void> => {
    await ended(keyring);
    await ended(bus);
  };
  // Each question is a process of its own: some hundred milliseconds in all.
  for (let tries = 0; !(await call(...named)).includes("boolean true"); tries++)
    if (tries === 500) {
      await close();
      throw new Error("gnome-keyring took no name on the bus");
    }
  return {
    env,
    close,
    lock: async () => {
      await call(
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service.Lock",
        "array:objpath:/org/freedesktop/secrets/collection/login",
      );
    },
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("close", () => resolve());
    child.kill("SIGTERM");
  });
}
