// Which observer a run gets: the first whose self-test passes. Why a better one was refused is kept, for `doctor` and for one
// notice. `strace` is never one of them: it changes what programs do (LeakSanitizer, sudo, gdb).
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import type { TracerFacts } from "./bpf/facts.ts";
import type { TracerLink } from "./bpf/link.ts";
import { TRACER_SOCKET } from "./bpf/tracer-socket.ts";
import { type Libc, loadLibc } from "./ffi.ts";
import type { Observer } from "./observer.ts";
import { unobserved } from "./unobserved.ts";

export type BackendChoice = "auto" | "ebpf" | "notify" | "none";

export interface Refusal {
  readonly backend: "ebpf" | "notify";
  /** "bpf map create loader: EPERM", "sudo wants a password", "kernel has no BTF", ... */
  readonly why: string;
  readonly hint?: string;
}

export interface Chosen {
  readonly observer: Observer;
  readonly refusals: readonly Refusal[];
  /** Only for "ebpf". */
  readonly tracer?: {
    readonly by: "root" | "agent" | "sudo";
    readonly facts: TracerFacts;
    /** Instead of a run: the tracer is already there. */
    close(): void;
  };
}

export interface ChooseOptions {
  readonly ringBytes?: number;
  /** How to start the tracer in a process of its own; by default this package's own command. */
  readonly tracer?: readonly string[];
  /** Try `notify` on a command of ours, too: for `doctor`. */
  readonly thorough?: boolean;
  /** False: no agent of root is asked (`agent.enabled`). */
  readonly agent?: boolean;
}

/** @param choice `auto`, or one back end: then no other is tried, and `none` stands in for it */
export async function chooseObserver(choice: BackendChoice, options: ChooseOptions = {}): Promise<Chosen> {
  if (choice === "none") return { observer: unobserved, refusals: [] };
  const refusals: Refusal[] = [];
  const wanted = (["ebpf", "notify"] as const).filter((name) => choice === "auto" || choice === name);
  const libc = await loadLibc();
  if ("unavailable" in libc)
    return { observer: unobserved, refusals: wanted.map((backend) => ({ backend, why: libc.unavailable })) };
  if (wanted.includes("ebpf")) {
    const found = await tryEbpf(libc, options);
    if ("observer" in found) return { ...found, refusals };
    refusals.push(found);
  }
  if (wanted.includes("notify")) {
    // Setuid programs do not work under it: where sudo does, the command may need it, and would break.
    if (choice === "auto" && !isRoot() && sudoWorks())
      refusals.push({ backend: "notify", why: "sudo works here, and would not below it" });
    else {
      const found = await tryNotify(libc, options.thorough === true);
      if ("observer" in found) return { ...found, refusals };
      refusals.push(found);
    }
  }
  return { observer: unobserved, refusals };
}

async function tryEbpf(libc: Libc, options: ChooseOptions): Promise<Omit<Chosen, "refusals"> | Refusal> {
  if (!existsSync("/sys/kernel/btf/vmlinux"))
    return { backend: "ebpf", why: "kernel has no BTF", hint: "use a kernel with CONFIG_DEBUG_INFO_BTF" };
  const { ebpfObserver } = await import("./bpf/observer.ts");
  const ring = options.ringBytes === undefined ? {} : { ringBytes: options.ringBytes };
  const local = async (): Promise<TracerLink> => {
    const { openLocalTracer } = await import("./bpf/local.ts");
    return openLocalTracer(libc, ring);
  };
  const remote = async (): Promise<TracerLink> => {
    const { openRemoteTracer } = await import("./bpf/remote.ts");
    const tracer = options.tracer ?? ownTracer();
    if (tracer === undefined) throw new Error("no bin/foregone to start as root");
    return openRemoteTracer(libc, { elevate: ["sudo", "-n", "--"], tracer, ...ring });
  };
  const agent = async (): Promise<TracerLink> => {
    const { openAgentTracer } = await import("./bpf/by-agent.ts");
    return openAgentTracer(libc, ring);
  };
  // Capabilities count, not the number 0: so the kernel is asked, not getuid. An agent of root costs no sudo, and needs none.
  const ways = [
    ["root", local],
    ...(options.agent !== false && existsSync(TRACER_SOCKET) ? [["agent", agent] as const] : []),
    ["sudo", remote],
  ] as const;
  for (const [by, open] of ways)
    try {
      const first = await open();
      return {
        observer: ebpfObserver(libc, once(first, open)),
        tracer: { by, facts: first.facts, close: () => first.close() },
      };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (by === "root" && !/EPERM|EACCES/.test(why)) return { backend: "ebpf", why };
      if (by === "root" && isRoot()) return { backend: "ebpf", why, hint: "use a machine of its own, not a container" };
      if (by === "sudo")
        return /password|ENOENT/.test(why)
          ? { backend: "ebpf", why: sudoText(why), hint: "run `foregone agent` as root" }
          : { backend: "ebpf", why };
    }
  return { backend: "ebpf", why: "not tried" };
}

async function tryNotify(libc: Libc, thorough: boolean): Promise<Omit<Chosen, "refusals"> | Refusal> {
  const { notifyRefusal } = await import("./notify/available.ts");
  const why = notifyRefusal(libc, release());
  if (why !== undefined) return { backend: "notify", why };
  const { createNotifyObserver } = await import("./notify/observer.ts");
  const observer = createNotifyObserver(libc);
  if (!thorough) return { observer };
  // A command that does nothing must come back with a seal. It costs a tenth of a second, which a run does not spend: if it
  // gets no seal itself, that is a gap.
  const { exit, seal } = await observer.run({
    argv: ["true"],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    onOutput: () => undefined,
    onEvent: () => undefined,
  });
  if (exit.kind !== "exited" || exit.code !== 0) return { backend: "notify", why: "the self-test's command failed" };
  if (seal === undefined) return { backend: "notify", why: "the self-test has no seal" };
  const lost = Object.keys(seal.lost).filter((counter) => seal.lost[counter] !== 0);
  return lost.length === 0 ? { observer } : { backend: "notify", why: `the self-test lost ${lost.join(", ")}` };
}

/** The tracer that was opened to see whether it works serves the first run; each later one opens its own. */
function once(first: TracerLink, open: () => Promise<TracerLink>): () => Promise<TracerLink> {
  let unused: TracerLink | undefined = first;
  return () => {
    const link = unused === undefined ? open() : Promise.resolve(unused);
    unused = undefined;
    return link;
  };
}

const isRoot = (): boolean => process.geteuid?.() === 0;

function sudoWorks(): boolean {
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore", timeout: 2000 }).status === 0;
}

function sudoText(why: string): string {
  return why.includes("ENOENT") ? "not root, and there is no sudo" : "sudo wants a password";
}

/** Absolute, because sudo has a PATH of its own. */
function ownTracer(): readonly string[] | undefined {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const script = join(folder, "bin", "foregone");
    if (existsSync(script)) return [process.execPath, script, "tracer"];
    if (folder === dirname(folder)) return undefined;
  }
}
