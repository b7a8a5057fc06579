// What a cache of many entries costs in memory: the real `foregone api serve`, filled and then read again through its socket.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { round } from "./times.ts";

export interface Entries {
  readonly entries: number;
  /** Resident memory: before the first read, after the last miss, after all were read again. */
  readonly startMB: number;
  readonly filledMB: number;
  readonly readAgainMB: number;
  /** Of the whole life of the process, as the kernel saw it. */
  readonly peakMB: number;
  /** Of those read again, how many were there. */
  readonly foundAgain: number;
  readonly missCpuMs: number;
  readonly hitCpuMs: number;
}

const CONNECTIONS = 16;
/** Each token of one job: GitHub allows one 900 calls a minute, and we ask for no more. */
const CALLS_A_TOKEN = 500;

/** @param origin of the double, which makes 4 kB for each path. Needs `npm run build`. */
export async function manyEntries(entries: number, scratch: string, origin: string): Promise<Entries> {
  const socket = join(scratch, "many.sock");
  const child = spawn(
    process.execPath,
    [join(process.cwd(), "bin/foregone"), "api", "serve", "--socket", socket, "--upstream", `api.github.com=${origin}`],
    {
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: scratch,
        FOREGONE_CACHE_DIR: join(scratch, "many"),
        FOREGONE_API_MAX_ENTRIES: String(entries),
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const pid = child.pid ?? 0;
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    const ready = new Promise((resolve) => child.stdout.once("data", resolve));
    const early = gone.then((code) => Promise.reject(new Error(`foregone api serve ended with ${code}`)));
    await Promise.race([ready, early]);
    early.catch(() => undefined);
    const start = memoryMB(pid);
    const before = cpuMs(pid);
    await readAll(socket, entries, "first");
    const filled = memoryMB(pid);
    const between = cpuMs(pid);
    const modes = await readAll(socket, entries, "second");
    const end = memoryMB(pid);
    return {
      entries,
      startMB: start.resident,
      filledMB: filled.resident,
      readAgainMB: end.resident,
      peakMB: end.peak,
      foundAgain: (modes.get("REVALIDATED") ?? 0) + (modes.get("FRESH") ?? 0),
      missCpuMs: round((between - before) / entries),
      hitCpuMs: round((cpuMs(pid) - between) / entries),
    };
  } finally {
    // It has nothing left to save that anybody will read.
    child.kill("SIGKILL");
    await gone;
  }
}

/** @returns how often each x-cache-mode was answered */
async function readAll(socket: string, entries: number, jobs: string): Promise<Map<string, number>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const modes = new Map<string, number>();
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < entries) {
        const i = next++;
        const mode = await readOne(
          agent,
          socket,
          `/repos/o/r${i}/entry/x`,
          `ghp_${jobs}${Math.floor(i / CALLS_A_TOKEN)}`,
        );
        modes.set(mode, (modes.get(mode) ?? 0) + 1);
      }
    }),
  );
  agent.destroy();
  return modes;
}

function readOne(agent: http.Agent, socketPath: string, path: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `token ${token}`, host: "api.github.com" };
    http
      .get({ socketPath, agent, path, headers }, (response) => {
        response.resume();
        response.on("end", () =>
          response.statusCode === 200
            ? resolve(String(response.headers["x-cache-mode"]))
            : reject(new Error(`status ${response.statusCode}`)),
        );
      })
      .on("error", reject);
  });
}

function memoryMB(pid: number): { readonly resident: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (name: string): number => round((Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6);
  return { resident: of("VmRSS"), peak: of("VmHWM") };
}

/** In clock ticks of 10 ms: too coarse for one, fine for thousands. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
