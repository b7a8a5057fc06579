// The credential commands as a user runs them: a home of its own, the real command line in a process.
import { join } from "node:path";
import type { Child, Finished, StartOptions } from "./child.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export class SecretsCli {
  readonly home = temporaryFolder();
  readonly folder = join(this.home, "credentials");
  readonly #child: Child;
  env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: this.home,
    USER: "owner",
    FOREGONE_CREDENTIALS_DIR: this.folder,
    FOREGONE_SECRETS_BROKER_SOCKET: join(this.home, "no-broker.sock"),
  };

  constructor(child: Child) {
    this.#child = child;
  }

  /** With a store whose key is a file. */
  static async of(child: Child): Promise<SecretsCli> {
    const lab = new SecretsCli(child);
    const { code, stderr } = await lab.secrets(["init", "--key-provider", "file"]);
    if (code !== 0) throw new Error(stderr);
    return lab;
  }

  secrets(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
    return this.#child.runWith({ env: this.env, cwd: this.home, ...options }, "secrets", ...args);
  }

  set(name: string, value: string, ...more: readonly string[]): Promise<Finished> {
    return this.secrets(["set", name, "--scope", "repo:456", ...more], { stdin: value });
  }
}
