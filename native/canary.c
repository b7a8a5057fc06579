// The self-test's child: one known operation of each kind, on names that hold a nonce (argv[1]), in a file system that only
// it sees. The tracer must report every one of them, or it is not used. Freestanding, 1 ms, writes nothing on disk.
// It writes one 64-bit mask to descriptor 1: bit N is set if operation N could be done here at all.
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;

#if defined(__x86_64__)
static long sys6(long n, long a, long b, long c, long d, long e, long f) {
  long r;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(r)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return r;
}
__asm__(".globl _start\n_start: mov %rsp,%rdi\n and $-16,%rsp\n call start_c\n");
enum {
  READ = 0, WRITE = 1, CLOSE = 3, MMAP = 9, SENDMSG = 46, RECVMSG = 47, SOCKET = 41, CONNECT = 42, BIND = 49,
  SOCKETPAIR = 53, CLONE = 56, EXECVE = 59, EXIT = 231, WAIT4 = 61, FCHMOD = 91, CHDIR = 80, CHROOT = 161, MOUNT = 165,
  GETXATTR = 191, INOTIFY_ADD_WATCH = 254, INOTIFY_INIT1 = 294, OPENAT = 257, MKDIRAT = 258, NEWFSTATAT = 262,
  UNLINKAT = 263, LINKAT = 265, SYMLINKAT = 266, READLINKAT = 267, FACCESSAT = 269, UNSHARE = 272,
  NAME_TO_HANDLE_AT = 303, RENAMEAT2 = 316, STATX = 332, GETDENTS64 = 217,
};
#elif defined(__aarch64__)
static long sys6(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
__asm__(".globl _start\n_start: mov x0, sp\n bl start_c\n");
enum {
  READ = 63, WRITE = 64, CLOSE = 57, MMAP = 222, SENDMSG = 211, RECVMSG = 212, SOCKET = 198, CONNECT = 203, BIND = 200,
  SOCKETPAIR = 199, CLONE = 220, EXECVE = 221, EXIT = 94, WAIT4 = 260, FCHMOD = 52, CHDIR = 49, CHROOT = 51, MOUNT = 40,
  GETXATTR = 8, INOTIFY_ADD_WATCH = 27, INOTIFY_INIT1 = 26, OPENAT = 56, MKDIRAT = 34, NEWFSTATAT = 79, UNLINKAT = 35,
  LINKAT = 37, SYMLINKAT = 36, READLINKAT = 78, FACCESSAT = 48, UNSHARE = 97, NAME_TO_HANDLE_AT = 264, RENAMEAT2 = 276,
  STATX = 291, GETDENTS64 = 61,
};
#endif
enum { OPENAT2 = 437, IO_URING_SETUP = 425, IO_URING_ENTER = 426 };
#define sys(n, a, b, c, d, e) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CWD -100L
#define ENOENT -2

static u64 done;
static void check(int operation, int ok) {
  if (ok) done |= 1ul << operation;
}
// "/dev/" nonce "/" name, or less of it; four buffers take turns.
static const char *nonce;
static char *put(char *at, const char *s) {
  while (*s) *at++ = *s++;
  *at = 0;
  return at;
}
static char *join(const char *before, const char *after) {
  static char buffers[4][160];
  static int turn;
  char *b = buffers[turn++ & 3];
  put(put(put(b, before), nonce), after);
  return b;
}
#define ABSOLUTE(name) join("/dev/", "/" name)
#define RELATIVE(name) join(name "-", "")

static long fork_(void) { return sys(CLONE, 17, 0, 0, 0, 0); }
static long wait_(long pid) {
  int status = -1;
  sys(WAIT4, pid, &status, 0, 0, 0);
  return status;
}

struct iovec {
  void *base;
  u64 len;
};
struct msghdr {
  void *name;
  u32 namelen, pad;
  struct iovec *iov;
  u64 iovlen;
  void *control;
  u64 controllen;
  u64 flags;
};
struct control {
  u64 len;
  int level, type;
  int fd, pad;
};

static void pass_descriptor(int fd) {
  int pair[2];
  char byte = 'x';
  struct iovec iov = {&byte, 1};
  struct control c = {20, 1, 1, fd, 0};
  struct msghdr m = {0, 0, 0, &iov, 1, &c, sizeof c, 0};
  if (sys(SOCKETPAIR, 1, 1, 0, pair, 0)) return;
  if (sys(SENDMSG, pair[0], &m, 0, 0, 0) != 1) return;
  c.fd = -1;
  check(17, sys(RECVMSG, pair[1], &m, 0, 0, 0) == 1 && c.fd >= 0);
  sys(CLOSE, c.fd, 0, 0, 0, 0); // else the script is still open for writing: ETXTBSY
}

static int unix_address(char *address, const char *path) {
  *(u16 *)address = 1;
  return put(address + 2, path) - address + 1;
}

// One OPENAT through io_uring, as libuv does it. 0 = not possible here.
static int uring_open(const char *path) {
  static u32 p[30];
  for (int i = 0; i < 30; i++) p[i] = 0;
  long fd = sys(IO_URING_SETUP, 2, p, 0, 0, 0);
  if (fd < 0) return 0;
  // struct io_uring_params: sq_off from word 10 (head tail mask entries flags dropped array), cq_off from word 20.
  char *sq = (char *)sys6(MMAP, 0, 8192, 3, 0x8001, fd, 0);
  char *entry = (char *)sys6(MMAP, 0, 4096, 3, 0x8001, fd, 0x10000000);
  if ((u64)sq > -4096ul || (u64)entry > -4096ul) return 0;
  for (int i = 0; i < 64; i++) entry[i] = 0;
  entry[0] = 18;
  *(int *)(entry + 4) = CWD;
  *(u64 *)(entry + 16) = (u64)path;
  *(u32 *)(sq + p[16]) = 0;
  __atomic_store_n((u32 *)(sq + p[11]), 1, __ATOMIC_RELEASE);
  long r = sys6(IO_URING_ENTER, fd, 1, 1, 1, 0, 0);
  sys(CLOSE, fd, 0, 0, 0, 0);
  return r == 1;
}

#if defined(__x86_64__)
static int i386_open(const char *path) {
  char *low = (char *)sys6(MMAP, 0, 4096, 3, 0x62, -1, 0); // MAP_32BIT
  if ((u64)low > -4096ul) return 0;
  put(low, path);
  long pid = fork_();
  if (pid == 0) {
    long r;
    // Without i386 in this kernel this is a fault, which ends the child.
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(5L), "b"(low), "c"(0L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
    sys(EXIT, r == ENOENT ? 0 : 1, 0, 0, 0, 0);
  }
  return wait_(pid) == 0;
}
#else
static int i386_open(const char *path) { return 0; }
#endif

static void run(void) {
  static char buffer[1024];
  long fd, dir, pid;
  if (sys(UNSHARE, 0x20000, 0, 0, 0, 0) || sys(MOUNT, "none", "/", 0, 0x44000, 0)) return;
  check(0, sys(MOUNT, join("canary-", ""), "/dev", "tmpfs", 0, 0) == 0);
  if (!done) return;
  check(1, sys(MKDIRAT, CWD, join("/dev/", ""), 0755, 0, 0) == 0);
  check(2, (fd = sys(OPENAT, CWD, ABSOLUTE("made"), 0102, 0755, 0)) >= 0);
  check(3, sys(OPENAT, CWD, ABSOLUTE("made"), 0, 0, 0) >= 0);
  check(4, sys(CHDIR, join("/dev/", ""), 0, 0, 0, 0) == 0);
  check(5, sys(OPENAT, CWD, "made", 0, 0, 0) >= 0);
  u64 how[3] = {0, 0, 0};
  check(6, sys(OPENAT2, CWD, RELATIVE("openat2"), how, sizeof how, 0) == ENOENT);
  check(7, sys(NEWFSTATAT, CWD, RELATIVE("stat"), buffer, 0, 0) == ENOENT);
  check(8, sys(STATX, CWD, ABSOLUTE("made"), 0, 0x7ff, buffer) == 0);
  check(9, sys(FACCESSAT, CWD, RELATIVE("access"), 0, 0, 0) == ENOENT);
  check(10, sys(SYMLINKAT, join("target-", ""), CWD, RELATIVE("symlink"), 0, 0) == 0);
  check(11, sys(READLINKAT, CWD, RELATIVE("symlink"), buffer, 100, 0) > 0);
  check(12, sys(GETXATTR, RELATIVE("xattr"), "user.a", buffer, 100, 0) == ENOENT);
  // One that fails: the kernel would take 25 ms to forget a watch, and the tracer's start waits for this program's end.
  check(13, sys(INOTIFY_ADD_WATCH, sys(INOTIFY_INIT1, 0, 0, 0, 0, 0), RELATIVE("watch"), 2, 0, 0) == ENOENT);
  check(14, (dir = sys(OPENAT, CWD, ".", 0200000, 0, 0)) >= 0 && sys(GETDENTS64, dir, buffer, sizeof buffer, 0, 0) > 0);
  check(15, sys(LINKAT, CWD, "made", dir, RELATIVE("link"), 0) == 0);
  check(16, sys6(RENAMEAT2, CWD, (long)RELATIVE("link"), dir, (long)RELATIVE("renamed"), 0, 0) == 0);
  pass_descriptor(fd);
  check(18, sys(UNLINKAT, CWD, RELATIVE("renamed"), 0, 0, 0) == 0);
  check(19, sys(FCHMOD, fd, 0700, 0, 0, 0) == 0);
  char address[110];
  int socket = sys(SOCKET, 1, 1, 0, 0, 0);
  check(20, sys(CONNECT, socket, address, unix_address(address, RELATIVE("connect")), 0, 0) == ENOENT);
  check(21, sys(BIND, socket, address, unix_address(address, RELATIVE("bind")), 0, 0) == 0);
  char *arguments[] = {"canary", 0}, *none[] = {0};
  check(22, sys(EXECVE, RELATIVE("exec"), arguments, none, 0, 0) == ENOENT);
  // A script whose interpreter is this very program, called with "-".
  sys(WRITE, fd, "#!/proc/self/exe -\n", 19, 0, 0);
  sys(CLOSE, fd, 0, 0, 0, 0);
  if ((pid = fork_()) == 0) {
    sys(EXECVE, "made", arguments, none, 0, 0);
    sys(EXIT, 1, 0, 0, 0, 0);
  }
  check(23, wait_(pid) == 0);
  check(24, uring_open(RELATIVE("uring")));
  check(25, i386_open(RELATIVE("i386")));
  if ((pid = fork_()) == 0) {
    if (sys(CHROOT, ".", 0, 0, 0, 0)) sys(EXIT, 1, 0, 0, 0, 0);
    sys(EXIT, sys(OPENAT, CWD, join("/chroot-", ""), 0, 0, 0) != ENOENT, 0, 0, 0, 0);
  }
  check(26, wait_(pid) == 0);
}

void start_c(long *stack) {
  long argc = stack[0];
  const char **argv = (const char **)(stack + 1);
  if (argc < 2 || argv[1][0] == '-') sys(EXIT, 0, 0, 0, 0, 0);
  nonce = argv[1];
  run();
  sys(WRITE, 1, &done, sizeof done, 0, 0);
  sys(EXIT, 0, 0, 0, 0, 0);
}
