import { describe, expect, test } from "vitest";
import { isHarmlessDevice, isMachineFact, isPseudo, procRule, withoutChance } from "./pseudo.ts";

const OWN = 100;
const rule = (rest: string): string => procRule(rest, (pid) => pid === OWN);

describe("procRule()", () => {
  test.for([
    // Of the run's own processes: chance, or what is known already.
    ["self/status", "none"],
    ["thread-self/comm", "none"],
    ["100/stat", "none"],
    ["100/task/101/stat", "none"],
    ["self/fd/3", "descriptor"],
    ["100/map_files/1-2", "descriptor"],
    ["self/cwd/a", "elsewhere"],
    ["100/root/etc/passwd", "elsewhere"],
    // Of others: what cannot change while they live may be compared, the rest cannot.
    ["7/cgroup", "file"],
    ["7/cmdline", "file"],
    ["7/status", "processes"],
    ["7/mem", "processes"],
    ["7/fd/3", "processes"],
    ["", "processes"],
    // The machine: in the weak fingerprint, chance, or compared.
    ["meminfo", "none"],
    ["loadavg", "none"],
    ["sys/kernel/random/uuid", "none"],
    ["sys/kernel/osrelease", "none"],
    ["cpuinfo", "file"],
    ["sys/vm/overcommit_memory", "file"],
    ["sys/kernel/core_pattern", "file"],
    ["meminformation", "file"],
    ["self//status/", "none"],
  ] as const)("/proc/%s: %s", ([rest, expected]) => expect(rule(rest)).toBe(expected));
});

test.for([
  ["/dev/null", true],
  ["/dev/urandom", true],
  ["/dev/pts/3", true],
  ["/dev/fd/0", true],
  ["/dev/sda", false],
  ["/dev/shm/settings", false],
  ["/dev/shm", false],
  ["/dev/nullx", false],
] as const)("isHarmlessDevice(%s) is %s", ([path, expected]) => expect(isHarmlessDevice(path)).toBe(expected));

test.for([
  ["/sys/fs/cgroup/memory.max", true],
  ["/etc/hostname", true],
  ["/etc/hostname.d", false],
  ["/sys/devices/system/cpu/online", false],
  ["/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", true],
] as const)("isMachineFact(%s) is %s", ([path, expected]) => expect(isMachineFact(path)).toBe(expected));

test("isPseudo() means what lies in procfs and sysfs, not what is named like them", () => {
  expect(["/proc", "/proc/cpuinfo", "/sys/x", "/process", "/a/proc/x"].map(isPseudo)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("withoutChance() leaves out of cpuinfo what changes from second to second, and nothing else", () => {
  const text = "model name\t: X\ncpu MHz\t\t: 2400.000\nflags\t\t: fpu avx2\nbogomips\t: 4800.00\n";
  const kept = Buffer.from(withoutChance("/proc/cpuinfo", Buffer.from(text))).toString();
  expect(kept).toBe("model name\t: X\nflags\t\t: fpu avx2\n");
  expect(Buffer.from(withoutChance("/w/proc/cpuinfo", Buffer.from(text))).toString()).toBe(text);
});
