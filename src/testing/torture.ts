// What each operation of test/fixtures/torture.c must look like as an event. Paths are those below the torture folder.
import type { ChangeOp, LookClass, PairOp, TraceEvent } from "../trace/event.ts";

const ENOENT = 2;
const EEXIST = 17;
const ENOTDIR = 20;
const ECONNREFUSED = 111;

/** Where the event's paths lie, as the back end can tell: absolute, byte strings. */
export interface Located {
  readonly event: TraceEvent;
  /** Of the string: base and string joined, `..` and links not resolved. */
  readonly path?: string;
  /** Of `pair.to`. */
  readonly to?: string;
  /** Of the object behind a descriptor. */
  readonly object?: string;
}

export interface Operation {
  readonly name: string;
  matches(located: Located, dir: string): boolean;
  /** The outcome it must report; back ends that are blind to outcomes are not asked. */
  readonly outcome?: number;
}

type Type = TraceEvent["type"];
const named = (name: string, type: Type, outcome: number, more: (l: Located, dir: string) => boolean): Operation => ({
  name,
  outcome,
  matches: (l, dir) => l.event.type === type && more(l, dir),
});
const opened = (name: string, outcome = 0, object = name): Operation =>
  named(name, "open", outcome, (l, dir) => l.path === `${dir}/${name}` && objectIs(l, `${dir}/${object}`));
/** The object is checked where the back end reports one. */
const objectIs = (l: Located, path: string): boolean => l.object === undefined || l.object === path;
const created = (name: string): Operation =>
  named(
    `${name} (created)`,
    "open",
    0,
    ({ event, path }, dir) => path === `${dir}/${name}` && event.type === "open" && event.created === true,
  );
const looked = (cls: LookClass, name: string, outcome = 0, noFollow = false): Operation =>
  named(
    `${cls} ${name}`,
    "look",
    outcome,
    ({ event, path }, dir) =>
      event.type === "look" && event.class === cls && path === `${dir}/${name}` && event.noFollow === noFollow,
  );
const changed = (op: ChangeOp, name: string, outcome = 0): Operation =>
  named(
    `${op} ${name}`,
    "change",
    outcome,
    ({ event, path }, dir) => event.type === "change" && event.op === op && path === `${dir}/${name}`,
  );
const paired = (op: PairOp, from: string, to: string, outcome = 0): Operation =>
  named(
    `${op} ${from} ${to}`,
    "pair",
    outcome,
    ({ event, path, to: target }, dir) =>
      event.type === "pair" &&
      event.op === op &&
      target === `${dir}/${to}` &&
      (op === "symlink" ? event.from.string === from : path === `${dir}/${from}`),
  );
const listed = (name: string): Operation => named(`list ${name}`, "list", 0, (l, dir) => l.object === `${dir}/${name}`);
const executed = (name: string, outcome = 0): Operation =>
  named(
    `exec ${name}`,
    "exec",
    outcome,
    ({ event, path }, dir) =>
      event.type === "exec" && path === `${dir}/${name}` && (outcome === 0) === ((event.outcome ?? 0) === 0),
  );
const connected = (address: string, outcome?: number): Operation => ({
  name: `connect ${address}`,
  ...(outcome !== undefined && { outcome }),
  matches: ({ event }) =>
    event.type === "connect" && event.address[0] === 2 && event.address.subarray(4, 8).join(".") === address,
});
const unix = (name: string, outcome: number): Operation =>
  named(
    `connect ${name}`,
    "connect",
    outcome,
    ({ event }, dir) => event.type === "connect" && text(event.address) === `${dir}/${name}`,
  );
const text = (address: Uint8Array): string => {
  const end = address.indexOf(0, 2);
  return Buffer.from(address.subarray(2, end < 0 ? address.length : end)).toString("latin1");
};

export const groups: Readonly<Record<string, readonly Operation[]>> = {
  opens: [
    ..."open openat openat2 opath mmapf coldstr reopen viafd coldpage".split(" ").map((name) => opened(name)),
    created("creat"),
    created("excl"),
    named(
      "reopen is not created",
      "open",
      0,
      ({ event, path }, dir) => path === `${dir}/reopen` && event.type === "open" && !event.created,
    ),
    named(
      "O_TMPFILE",
      "open",
      0,
      ({ event, path }, dir) => path === `${dir}/sub` && event.type === "open" && event.created === true,
    ),
    named(
      "by /proc/self/fd",
      "open",
      0,
      // Or told as what it leads to.
      (l, dir) =>
        l.path === `${dir}/viafd` || (l.path?.startsWith("/proc/self/fd/") === true && objectIs(l, `${dir}/viafd`)),
    ),
    named(
      "4095 characters",
      "open",
      0,
      (l, dir) => l.event.type === "open" && l.event.path.string.length === 4095 && objectIs(l, `${dir}/inline`),
    ),
  ],
  looks: [
    ..."stat fstatat statx".split(" ").map((name) => looked("stat", name)),
    looked("stat", "lstat", 0, true),
    ..."access faccessat faccessat2 sfs".split(" ").map((name) => looked("access", name)),
    named(
      "xattr xat",
      "look",
      61,
      ({ event, path }, dir) => event.type === "look" && event.class === "xattr" && path === `${dir}/xat`,
    ),
    looked("xattr", "lxat", 0, true),
    looked("watch", "ino"),
    looked("handle", "obh", 0, true),
  ],
  failures: [
    ..."neg_open neg_dir/below neg_opendir neg_caf\xe9".split(" ").map((name) => opened(name, ENOENT)),
    opened("neg_new\nline", ENOENT),
    opened("open/neg_notdir", ENOTDIR),
    looked("stat", "neg_stat", ENOENT),
    looked("stat", "neg_statx", ENOENT),
    looked("access", "neg_access", ENOENT),
    looked("readlink", "neg_readlink", ENOENT, true),
    looked("xattr", "neg_xattr", ENOENT),
    looked("chdir", "neg_chdir", ENOENT),
    changed("unlink", "neg_unlink", ENOENT),
    changed("rmdir", "neg_rmdir", ENOENT),
    changed("mkdir", "neg_mk/parent", ENOENT),
    changed("mkdir", "exists_dir", EEXIST),
    paired("rename", "neg_ren", "zz", ENOENT),
  ],
  execs: [
    ..."execok vforkx spawnx onpath/tool execthr".split(" ").map((name) => executed(name)),
    executed("neg_exec", ENOENT),
    executed("nopath/tool", ENOENT),
    named("open /bin/true", "open", 0, ({ path }) => path === "/bin/true"),
    named(
      "execveat by descriptor",
      "exec",
      0,
      ({ event, object }) => event.type === "exec" && (object === undefined || object.endsWith("/bin/true")),
    ),
    named(
      "argv",
      "exec",
      0,
      ({ event, path }, dir) =>
        event.type === "exec" &&
        path === `${dir}/execok` &&
        // As the interpreter got them, or as they were passed.
        (event.argv === undefined ||
          event.argv.join("|") === `/bin/sh|${dir}/execok|first argument` ||
          (event.outcome === undefined && event.argv[1] === "first argument")),
    ),
    named(
      "interpreter",
      "exec",
      0,
      ({ event, path }, dir) =>
        event.type === "exec" && path === `${dir}/execok` && (event.interpreter ?? "/bin/sh") === "/bin/sh",
    ),
  ],
  "relative paths": [
    ..."rel_cwd rel_fchdir rel_dirfd".split(" ").map((name) => opened(name)),
    opened("sub/../dotdot", 0, "dotdot"),
    opened("neg_dirfd", ENOENT),
    looked("stat", "sub/inner"),
    looked("stat", "sub/neg_relsub", ENOENT),
    named(
      "stat of the working directory",
      "look",
      0,
      ({ event, path }, dir) =>
        event.type === "look" && event.class === "stat" && event.path.string === "" && path === dir,
    ),
  ],
  "links and listings": [
    opened("sym", 0, "linktarget"),
    looked("stat", "symdir/inner"),
    looked("readlink", "rdl", 0, true),
    looked("stat", "dang", ENOENT),
    opened("symdir/neg_viasym", ENOENT),
    listed("listdir"),
    listed("emptydir"),
  ],
  changes: [
    paired("rename", "ren_src", "ren_dst"),
    paired("rename", "ren2_src", "ren2_dst"),
    paired("link", "link_src", "link_dst"),
    paired("link", "linkat_src", "linkat_dst"),
    paired("symlink", "text", "sl"),
    paired("symlink", "text", "slat"),
    changed("unlink", "unl"),
    changed("unlink", "unlat"),
    changed("rmdir", "rmd"),
    changed("rmdir", "rmdat"),
    changed("mkdir", "mkd"),
    changed("mkdir", "mkdat"),
    changed("mknod", "fifo"),
    changed("chmod", "chm"),
    changed("chmod", "chmat"),
    changed("chmod", "fchm"),
    changed("chown", "chn"),
    changed("chown", "lchn"),
    changed("utime", "utm"),
    changed("truncate", "trunc"),
    changed("setxattr", "sxat"),
    changed("setxattr", "rxat"),
  ],
  io_uring: [
    ..."uro neg_uring sqpoll".split(" ").map((name): Operation => ({
      name: `io_uring open ${name}`,
      matches: ({ event, path }, dir) => event.type === "open" && path === `${dir}/${name}`,
    })),
    { name: "io_uring statx", matches: ({ event, path }, dir) => event.type === "look" && path === `${dir}/urs` },
    { name: "io_uring unlink", matches: ({ event, path }, dir) => event.type === "change" && path === `${dir}/urunl` },
    { name: "io_uring mkdir", matches: ({ event, path }, dir) => event.type === "change" && path === `${dir}/urmk` },
    {
      name: "io_uring rename",
      matches: (l, dir) => l.event.type === "pair" && l.path === `${dir}/urr_src` && l.to === `${dir}/urr_dst`,
    },
    {
      name: "io_uring link",
      matches: (l, dir) => l.event.type === "pair" && l.path === `${dir}/url_src` && l.to === `${dir}/url_dst`,
    },
    { name: "io_uring symlink", matches: (l, dir) => l.event.type === "pair" && l.to === `${dir}/ursym` },
  ],
  i386: [opened("i386open"), opened("neg_i386", ENOENT), looked("stat", "i386stat"), looked("access", "i386acc")],
  sockets: [
    unix("fd.sock", 0),
    unix("neg_sock", ENOENT),
    connected("127.0.0.77", ECONNREFUSED),
    connected("127.0.0.78"),
    connected("127.0.0.79"),
    connected("127.0.0.80"),
    connected("127.0.0.81"),
    changed("mknod", "bound"),
  ],
  processes: ["thr", "orphan", "clone3"].map((name) => opened(name)),
  namespaces: [
    // The path is below the mount as the process saw it; the object is the file behind it.
    named(
      "bind mount",
      "open",
      0,
      ({ event, object }, dir) =>
        event.type === "open" &&
        event.path.string === `${dir}/bindmnt/inner` &&
        (object === undefined || object.endsWith("/inner")),
    ),
    named(
      "absent below a bind mount",
      "open",
      ENOENT,
      ({ event }, dir) => event.type === "open" && event.path.string === `${dir}/bindmnt/neg_bind`,
    ),
    named(
      "mount",
      "pair",
      0,
      ({ event }, dir) => event.type === "pair" && event.op === "mount" && event.to.string === `${dir}/bindmnt`,
    ),
    named(
      "umount",
      "change",
      0,
      ({ event }, dir) => event.type === "change" && event.op === "umount" && event.path.string === `${dir}/bindmnt`,
    ),
    opened("chr/in_chroot"),
    opened("chr/neg_inchroot", ENOENT),
    opened("chr/abslink", ENOENT),
  ],
};
