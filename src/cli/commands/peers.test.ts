import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type PeersPlan, peersPlan } from "../../agent/peers-plan.ts";
import { EXIT } from "../../core/errors.ts";
import { nodeStoreFiles } from "../../node/store-files.ts";
import { peerIdOf, peerIdText, signerOf } from "../../peers/identity.ts";
import { type Ran, runCli } from "../../testing/cli.ts";
import { temporaryFolder } from "../../testing/temporary-folder.ts";
import { configurationOf } from "../configuration.ts";

const HOUR_MS = 3_600_000;

/** A machine of the repository acme/demo, as its agent would see itself. */
class Machine {
  readonly cwd = temporaryFolder();
  readonly env: Record<string, string> = { HOME: this.cwd, GITHUB_REPOSITORY: "acme/demo" };

  run(...argv: readonly string[]): Promise<Ran> {
    return runCli(["peers", ...argv], this);
  }

  async plan(): Promise<PeersPlan> {
    const { config } = await configurationOf(this);
    const { cwd, env } = this;
    const plan = await peersPlan({ config, cwd, env, files: nodeStoreFiles, folder: join(cwd, "store") });
    if (typeof plan === "string") throw new Error(plan);
    return plan;
  }

  async peerId(): Promise<string> {
    return peerIdText(peerIdOf(signerOf((await this.plan()).seed).publicKey));
  }
}

describe("foregone peers new-secret", () => {
  test("makes another secret each time, which makes a mesh of those that have it", async () => {
    const [a, b] = [new Machine(), new Machine()];
    const [{ stdout: one }, { stdout: other }] = [await a.run("new-secret"), await a.run("new-secret")];
    expect(one).not.toBe(other);
    const kidOf = async (machine: Machine, secret: string): Promise<string> => {
      machine.env["FOREGONE_MESH_SECRET"] = secret.trim();
      return (await machine.plan()).keys[0].kid.toString("hex");
    };
    const kid = await kidOf(a, one);
    expect(await kidOf(b, one)).toBe(kid);
    expect(await kidOf(b, other)).not.toBe(kid);
  });

  test("of a rotation: the new one seals, the old one is still accepted", async () => {
    const machine = new Machine();
    const old = (await machine.run("new-secret")).stdout.trim();
    const { stdout, stderr } = await machine.run("new-secret", "--epoch", "2");
    expect(stderr).toContain("FOREGONE_MESH_SECRET=2:...,1:...");
    machine.env["FOREGONE_MESH_SECRET"] = `${stdout.trim()},${old}`;
    expect((await machine.plan()).keys.map(({ epoch }) => epoch)).toEqual([2, 1]);
  });

  test("no epoch but a number", async () => {
    for (const wrong of ["0", "-1", "1.5", "next", ""])
      expect((await new Machine().run("new-secret", `--epoch=${wrong}`)).stderr, wrong).toContain("E_USAGE");
  });
});

describe("foregone peers root-key", () => {
  test("keeps the private half to its owner, prints the public one, and overwrites nothing", async () => {
    const machine = new Machine();
    const path = join(machine.cwd, "root.key");
    const { code, stdout } = await machine.run("root-key", path);
    expect(code).toBe(EXIT.done);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const seed = Buffer.from(readFileSync(path, "utf8").trim(), "base64url");
    expect(signerOf(seed).publicKey.toString("base64url")).toBe(stdout.trim());
    const again = await machine.run("root-key", path);
    expect(again.code).not.toBe(EXIT.done);
    expect(again.stderr).toContain("never overwritten");
    expect(Buffer.from(readFileSync(path, "utf8").trim(), "base64url")).toEqual(seed);
  });
});

describe("foregone peers grant", () => {
  async function granted(...more: readonly string[]): Promise<Machine> {
    const machine = new Machine();
    const path = join(machine.cwd, "root.key");
    machine.env["FOREGONE_P2P_SECURITY_ACCESS_CONTROL_ROOT_KEYS"] = (await machine.run("root-key", path)).stdout.trim();
    machine.env["FOREGONE_MESH_SECRET"] = (await machine.run("new-secret")).stdout.trim();
    const ran = await machine.run("grant", "--root-key", path, "--peer", await machine.peerId(), ...more);
    expect(ran.stderr).toContain("FOREGONE_MESH_GRANT");
    machine.env["FOREGONE_MESH_GRANT"] = ran.stdout.trim();
    return machine;
  }
  const scopeNow = async (machine: Machine, inMs = 0): Promise<string | undefined> =>
    (await machine.plan()).writer(Date.now() + inMs)?.scope;

  test("lets that peer write, for a day or less", async () => {
    const machine = await granted();
    expect((await machine.plan()).notes).toEqual([]);
    expect(await scopeNow(machine)).toBe("protected");
    expect(await scopeNow(machine, 23.9 * HOUR_MS)).toBe("protected");
    expect(await scopeNow(machine, 24.1 * HOUR_MS)).toBeUndefined();
    const short = await granted("--hours", "1", "--scope", "pr:7");
    expect(await scopeNow(short)).toBe("pr:7");
    expect(await scopeNow(short, 1.1 * HOUR_MS)).toBeUndefined();
  });

  test("is no word for another peer, another network, or of another root key", async () => {
    const machine = await granted();
    const other = new Machine();
    Object.assign(other.env, machine.env, { HOME: other.cwd });
    const [elsewhere, distrusted] = [await granted(), await granted()];
    elsewhere.env["GITHUB_REPOSITORY"] = "acme/other";
    distrusted.env["FOREGONE_P2P_SECURITY_ACCESS_CONTROL_ROOT_KEYS"] =
      machine.env["FOREGONE_P2P_SECURITY_ACCESS_CONTROL_ROOT_KEYS"] ?? "";
    for (const each of [other, elsewhere, distrusted]) {
      expect(await scopeNow(each)).toBeUndefined();
      expect((await each.plan()).notes).toEqual([expect.stringContaining("no records are written")]);
    }
  });

  test("is not made of wrong words", async () => {
    const machine = await granted();
    const key = join(machine.cwd, "root.key");
    const peer = await machine.peerId();
    for (const argv of [
      ["--peer", peer],
      ["--root-key", key],
      ["--root-key", key, "--peer", "12D3KooW"],
      ["--root-key", key, "--peer", peer, "--scope", "all"],
      ["--root-key", key, "--peer", peer, "--hours", "25"],
      ["--root-key", key, "--peer", peer, "--hours", "soon"],
    ]) {
      const { code, stdout, stderr } = await machine.run("grant", ...argv);
      expect([code === EXIT.done, stdout], argv.join(" ")).toEqual([false, ""]);
      expect(stderr).toContain("E_USAGE");
    }
    const { stderr } = await machine.run("grant", "--root-key", join(machine.cwd, "none"), "--peer", peer);
    expect(stderr).toContain("E_KEY");
  });
});
