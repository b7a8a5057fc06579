// Files that are no files: procfs, sysfs, devices. What they say is either the same in every run of one process, or the
// machine's, or chance; which of the three decides whether it is an input (docs/soundness.md, 2.5). By positive lists:
// what is not named here is compared by content, and so at worst never holds.

/**
 * What an answer below /proc depends on.
 * - none: the process itself, chance, time, or the machine facts that the weak fingerprint holds already
 * - file: its content, which can be compared
 * - processes: which other processes run, which nobody can ask again
 * - descriptor: a file the process has open: seen when it was opened
 * - elsewhere: leads to a folder that only the process knows (cwd, root of a process)
 */
export type ProcRule = "none" | "file" | "processes" | "descriptor" | "elsewhere";

/** Cores, memory, kernel: in the weak fingerprint. Load, times, random: chance. */
const PROC_NONE =
  /^(?:self|thread-self|mounts|net|meminfo|stat|loadavg|uptime|vmstat|pressure|interrupts|softirqs|version|filesystems|sys\/kernel\/(?:random|hostname|domainname|osrelease|ostype|version|ns_last_pid|pid_max|threads-max))(?:\/|$)/;
/** Of another process than our own: what does not change while it lives. */
const PROC_STABLE = /^\d+\/(?:cgroup|comm|cmdline|environ|cpuset|mountinfo|mounts|sched|exe|root|ns\/\w+)$/;

/** @param rest path below /proc @param isOwn is this pid (as text) one of the run's own processes? */
export function procRule(rest: string, isOwn: (pid: number) => boolean): ProcRule {
  const path = rest.replaceAll(/\/+/g, "/").replace(/\/$/, "");
  const process = /^(self|thread-self|\d+)(?:\/task\/\d+)?(?:\/(.*))?$/.exec(path);
  if (process !== null) {
    const [, who = "", what = ""] = process;
    const own = !/^\d/.test(who) || isOwn(Number(who));
    if (own && /^(?:fd|map_files)\/./.test(what)) return "descriptor";
    if (own && /^(?:cwd|root)\//.test(what)) return "elsewhere";
    if (own) return "none";
    return PROC_STABLE.test(path) ? "file" : "processes";
  }
  if (path === "") return "processes";
  return PROC_NONE.test(path) ? "none" : "file";
}

/** Limits are in the weak fingerprint (cores, memory); usage, frequencies and the names of the machine are chance. */
const MACHINE =
  /^\/sys\/(?:fs\/cgroup(?:\/|$)|devices\/system\/cpu\/cpu\d+\/(?:cpufreq|cpuidle|thermal_throttle)\/|kernel\/debug\/)|^\/etc\/(?:hostname|machine-id)$|^\/var\/lib\/dbus\/machine-id$/;

/** @param path absolute */
export function isMachineFact(path: string): boolean {
  return MACHINE.test(path);
}

/** procfs and sysfs stamp their files with the time of the first look: times say nothing, content says all. */
export function isPseudo(path: string): boolean {
  return /^\/(?:proc|sys)(?:\/|$)/.test(path);
}

/**
 * Leaves out of a pseudo file what changes from second to second.
 * @param path absolute
 */
export function withoutChance(path: string, content: Uint8Array): Uint8Array {
  if (path !== "/proc/cpuinfo") return content;
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1");
  return Buffer.from(text.replaceAll(/^(?:cpu MHz|bogomips|BogoMIPS)\s*:.*\n?/gm, ""), "latin1");
}

const HARMLESS_DEVICE =
  /^\/dev\/(?:null|zero|full|u?random|tty|console|ptmx|pts(?:\/.*)?|std(?:in|out|err)|fd(?:\/.*)?|mqueue)$/;

/** Opening it shows nothing that differs between runs but chance. */
export function isHarmlessDevice(path: string): boolean {
  return HARMLESS_DEVICE.test(path);
}
