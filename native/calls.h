// From a system call's registers to its record.
#pragma once
#include "walk.h"
#include "sockets.h"

#define TS_COMPAT 2

// The kernel writes -1 over the number when there is nothing to restart: sigreturn, or a call that ptrace or seccomp skipped.
#define NO_CALL 0xffffffffu
#define NO_ENTRY (1u << 31)

struct arguments {
  u64 v[8];
  u32 compat;
};

// Index into the table; above it for a number that has no place there (x32, or newer than the table).
static __always_inline u32 read_call(struct task_struct *t, struct pt_regs *r, struct arguments *a) {
  a->compat = 0;
#if defined(__TARGET_ARCH_x86)
  u32 nr = r->orig_ax;
  if (nr == NO_CALL) return nr;
  if (t->thread_info.status & TS_COMPAT) {
    a->compat = 1;
    a->v[0] = (u32)r->bx;
    a->v[1] = (u32)r->cx;
    a->v[2] = (u32)r->dx;
    a->v[3] = (u32)r->si;
    a->v[4] = (u32)r->di;
    a->v[5] = (u32)r->bp;
    return nr < ABI_NUMBERS ? nr + ABI_NUMBERS : nr | NO_ENTRY;
  }
  a->v[0] = r->di;
  a->v[1] = r->si;
  a->v[2] = r->dx;
  a->v[3] = r->r10;
  a->v[4] = r->r8;
  a->v[5] = r->r9;
#elif defined(__TARGET_ARCH_arm64)
  // AArch32 tasks use other numbers: what those see is not known until a table for them exists.
  u32 nr = r->syscallno;
  if (nr == NO_CALL) return nr;
  a->v[0] = r->orig_x0;
  a->v[1] = r->regs[1];
  a->v[2] = r->regs[2];
  a->v[3] = r->regs[3];
  a->v[4] = r->regs[4];
  a->v[5] = r->regs[5];
#endif
  return nr < ABI_NUMBERS ? nr : nr | NO_ENTRY;
}

// Calls that are decided before anybody asks whether the task is traced: asking costs 200 ns.
static __always_inline int ignorable(struct call *c, u64 *v, long ret) {
  switch (c->kind) {
  case K_FORBIDDEN:
    if (ret < 0 && ret >= -4095) return 1;
    if (!c->when_a && !c->when_b) return 0;
    u32 value = v[c->dirfd & 7];
    return value != c->when_a && value != c->when_b;
  case K_SOCKET:
    return ret < 0 || ordinary_socket(v[0], v[1]);
  case K_CONNECT:
    return v[c->path & 7] == 0; // sendto without an address
  case K_RECEIVE:
  case K_ACCEPT:
  case K_FD:
  case K_LIST:
  case K_IPC:
    return ret < 0;
  case K_BIND:
  case K_LISTEN:
    return ret != 0;
  case K_EXEC:
    return ret >= 0;
  }
  return 0;
}

#define FMODE_CREATED 0x100000
#define RESOLVE_IN_ROOT 0x10
#define ENOSYS 38
#define ENAMETOOLONG 36

// Reads a path argument to data[at]; returns its length with the NUL, 0 if there is no record to make of it.
static __always_inline u32 read_string(struct scratch *s, u32 at, u64 address, u32 *flags) {
  if (at > DATA_SIZE - MAX_PATH) return 0;
  s->record.data[at] = 0;
  if (!address) {
    *flags |= F_NULL;
    return 1;
  }
  long len = bpf_probe_read_user_str(&s->record.data[at], MAX_PATH, (void *)address);
  if (len > 0) return len;
  if (s->ret == -EFAULT) return 0; // unreadable for the caller too
  *flags |= F_FAULT;
  COUNT(fault);
  return 1;
}

// open, look, change, pair, failed exec.
__noinline int put_path_call(struct scratch *s) {
  if (!s) return 0;
  struct task_struct *t = bpf_get_current_task_btf();
  struct call *c = &s->call;
  u64 *v = s->arguments;
  long ret = s->ret;
  u32 kind = c->kind, flags = s->compat ? F_COMPAT : 0, at = 0;
  int dirfd = c->dirfd < 0 ? AT_FDCWD : (int)v[c->dirfd & 7];
  u32 call_flags = c->flags < 0 ? 0 : (u32)v[c->flags & 7];
  if (c->path < 0) {
    // fchmod and the like: the descriptor's object is what changes.
    if (ret < 0) return 0;
    flags |= F_NULL;
    dirfd = v[0];
    s->record.data[0] = 0;
    at = 1;
  } else at = read_string(s, 0, v[c->path & 7], &flags);
  if (at == 0 || (at >= MAX_PATH && ret == -ENAMETOOLONG)) return 0; // no file system can change that answer
  if (at > MAX_PATH) at = MAX_PATH;
  if (c->how) {
    u64 how[3] = {};
    if (bpf_probe_read_user(how, sizeof how, (void *)v[c->how & 7])) {
      if (ret == -EFAULT) return 0;
      flags |= F_FAULT;
      COUNT(fault);
    }
    call_flags = how[0];
    if (how[2] & RESOLVE_IN_ROOT) flags |= F_IN_ROOT;
  }
  int absolute = s->record.data[0] == '/' && !(flags & F_IN_ROOT);
  int empty = at == 1 && !(flags & F_FAULT);
  // "" is the descriptor itself, which was seen when it was opened; the working directory never was.
  if (empty && kind != K_CHANGE && kind != K_PAIR && dirfd != AT_FDCWD) return 0;
  struct place base = {}, result = {};
  struct object base_object = {}, object = {};
  if (base_of(t, dirfd, absolute, &base)) identify(&base, &base_object);
  struct seen_key key = {mix(kind, s->nr), mix(mix(base_object.ino, base_object.dev), (u64)base.dentry)};
  if (kind == K_OPEN && ret >= 0) {
    struct file *f = file_of(t, ret);
    if (f) {
      place_of_file(f, &result);
      identify(&result, &object);
      if (BPF_CORE_READ(f, f_mode) & FMODE_CREATED) flags |= F_CREATED;
      key.a = mix(mix(key.a, object.ino), object.dev);
    }
  } else key.a = mix(key.a, ret < 0 ? ret : 0);
  // Changes are never taken for repeats: their order matters.
  if (kind != K_PAIR && kind != K_CHANGE && !(flags & F_CREATED)) {
    key.b = mix(key.b, ((u64)call_flags << 32) | flags);
    hash_string(s, at, &key);
    if (seen_before(s, &key)) return 0;
  }
  start_record(s, kind);
  s->record.h.string_len = at;
  s->record.h.extra = call_flags;
  struct place base2 = {};
  if (kind == K_PAIR) {
    u32 len = read_string(s, at, v[c->path2 & 7], &flags);
    if (!len) return 0;
    base_of(t, c->dirfd2 < 0 ? AT_FDCWD : (int)v[c->dirfd2 & 7], s->record.data[at] == '/', &base2);
    s->record.h.second_len = len;
    at += len;
  }
  s->record.h.flags = flags;
  if (base.dentry) put_base(s, &at, &base, &base_object);
  if (result.dentry) put_result(s, &at, &result);
  if (base2.dentry) {
    u32 len = put_block(s, at, &base2);
    s->record.h.base2_len = len;
    at += len;
  }
  return finish_record(s, at);
}

__noinline int put_list(struct scratch *s) {
  if (!s) return 0;
  struct file *f = file_of(bpf_get_current_task_btf(), s->arguments[0]);
  if (!f) return 0;
  struct place p;
  place_of_file(f, &p);
  struct object o;
  identify(&p, &o);
  struct seen_key key = {mix(mix(K_LIST, o.ino), o.dev), (u64)p.dentry};
  if (seen_before(s, &key)) return 0;
  u32 at = 0;
  s->ret = 0;
  start_record(s, K_LIST);
  put_result(s, &at, &p);
  return send_record(s, at);
}

// Calls whose record is a number or two.
__noinline int put_number(struct scratch *s) {
  if (!s) return 0;
  u32 kind = s->call.kind;
  if (kind == K_UNKNOWN) {
    if (s->ret == -ENOSYS) return 0;
    COUNT(unknown);
    struct seen_key key = {s->nr, K_UNKNOWN};
    if (seen_before(s, &key)) return 0;
  }
  if (kind == K_URING) COUNT(uring);
  start_record(s, kind);
  u64 *v = s->arguments;
  if (kind == K_UNKNOWN) s->record.h.extra = s->nr;
  else if (kind == K_FORBIDDEN) s->record.h.extra = s->call.path < 0 ? 0 : v[s->call.path & 7];
  else s->record.h.extra = v[0];
  // Flags of shmget and the like.
  if (kind == K_IPC && s->call.flags >= 0) s->record.h.mode = v[s->call.flags & 7];
  return send_record(s, 0);
}

// The i386 multiplexer: its arguments are 32-bit words behind a pointer. Returns 0 if nothing is left to do.
__noinline int enter_socketcall(struct scratch *s) {
  if (!s) return 0;
  u32 words[6] = {}, number = s->arguments[0], index = CALL_SOCKETCALL + (number & 31);
  // Six words is the most that any call has; where a page ends earlier, read what the shorter calls have.
  if (bpf_probe_read_user(words, 24, (void *)s->arguments[1])) bpf_probe_read_user(words, 12, (void *)s->arguments[1]);
  for (int i = 0; i < 6; i++) s->arguments[i] = words[i];
  s->nr = index;
  struct call *c = bpf_map_lookup_elem(&calls, &index);
  if (!c || number >= 32) s->call.kind = K_UNKNOWN;
  else __builtin_memcpy(&s->call, c, sizeof *c);
  return s->call.kind != K_HARMLESS && !ignorable(&s->call, s->arguments, s->ret);
}

static __always_inline void handle_call(struct scratch *s) {
  if (s->call.kind == K_SOCKETCALL && !enter_socketcall(s)) return;
  switch (s->call.kind) {
  case K_LIST:
    put_list(s);
    return;
  case K_FD:
    put_received(s, s->ret);
    return;
  case K_CONNECT:
    if (s->ret > 0) s->ret = 0; // bytes that sendto took
  case K_BIND:
    put_address(s, s->call.kind, s->arguments[s->call.path & 7], s->arguments[s->call.flags & 7]);
    return;
  case K_LISTEN:
    put_socket(s, s->arguments[0]);
    return;
  case K_ACCEPT:
    put_socket(s, s->ret);
    return;
  case K_SEND:
  case K_RECEIVE:
    put_messages(s);
    return;
  case K_UNKNOWN:
  case K_URING:
  case K_SOCKET:
  case K_FORBIDDEN:
  case K_IPC:
    put_number(s);
    return;
  default:
    put_path_call(s);
  }
}

// First file and last interpreter by name, the binary that runs by object, and the start of argv.
static __always_inline void put_exec(struct scratch *s, struct task_struct *t, struct linux_binprm *bprm) {
  start_record(s, K_EXECUTED);
  long len = bpf_probe_read_kernel_str(s->record.data, MAX_PATH, BPF_CORE_READ(bprm, filename));
  u32 at = len > 0 ? len : 1;
  s->record.h.string_len = at;
  struct place base, binary;
  struct object base_object;
  base_of(t, AT_FDCWD, s->record.data[0] == '/', &base);
  identify(&base, &base_object);
  len = bpf_probe_read_kernel_str(&s->record.data[at], MAX_PATH, BPF_CORE_READ(bprm, interp));
  u32 interpreter = len > 0 ? len : 0;
  at += interpreter;
  u64 from = BPF_CORE_READ(t, mm, arg_start), size = BPF_CORE_READ(t, mm, arg_end) - from;
  if (size > MAX_PATH) size = MAX_PATH;
  if (at > DATA_SIZE - MAX_PATH || bpf_probe_read_user(&s->record.data[at], size, (void *)from)) size = 0;
  s->record.h.second_len = interpreter;
  s->record.h.extra = size; // argv lies between the interpreter and the base
  at += size;
  put_base(s, &at, &base, &base_object);
  struct file *f = BPF_CORE_READ(bprm, file);
  place_of_file(f, &binary);
  put_result(s, &at, &binary);
  finish_record(s, at);
}

#define OP_OPENAT 18
#define OP_STATX 21
#define OP_OPENAT2 28
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_MKDIRAT 37
#define OP_SYMLINKAT 38
#define OP_LINKAT 39

// One or two paths that the kernel has already copied. What it cannot find in this kernel's types counts as not decoded.
#define URING_PATH(type, dirfd_field, name_field)                                                                      \
  if (bpf_core_field_exists(((struct type *)0)->name_field)) {                                                         \
    struct type *o = command;                                                                                          \
    dirfd = BPF_CORE_READ(o, dirfd_field);                                                                             \
    name = BPF_CORE_READ(o, name_field);                                                                               \
  }
#define URING_PATH2(type)                                                                                              \
  URING_PATH(type, old_dfd, oldpath)                                                                                   \
  if (bpf_core_field_exists(((struct type *)0)->newpath)) {                                                            \
    struct type *o = command;                                                                                          \
    dirfd2 = BPF_CORE_READ(o, new_dfd);                                                                                \
    name2 = BPF_CORE_READ(o, newpath);                                                                                 \
  }
static __always_inline int put_uring(struct scratch *s, void *command) {
  struct task_struct *t = bpf_get_current_task_btf();
  struct filename *name = 0, *name2 = 0;
  int dirfd = AT_FDCWD, dirfd2 = AT_FDCWD, two = 0;
  start_record(s, s->call.kind);
  s->record.h.flags = F_URING;
  switch (s->nr) {
  case OP_OPENAT:
  case OP_OPENAT2:
    URING_PATH(io_open, dfd, filename)
    s->record.h.extra = BPF_CORE_READ((struct io_open *)command, how.flags);
    if (BPF_CORE_READ((struct io_open *)command, how.resolve) & RESOLVE_IN_ROOT) s->record.h.flags |= F_IN_ROOT;
    break;
  case OP_STATX:
    URING_PATH(io_statx, dfd, filename)
    s->record.h.extra = BPF_CORE_READ((struct io_statx *)command, flags);
    break;
  case OP_UNLINKAT:
    URING_PATH(io_unlink, dfd, filename)
    s->record.h.extra = BPF_CORE_READ((struct io_unlink *)command, flags);
    break;
  case OP_MKDIRAT:
    URING_PATH(io_mkdir, dfd, filename)
    break;
  case OP_RENAMEAT:
    two = 1;
    URING_PATH2(io_rename)
    break;
  case OP_SYMLINKAT:
  case OP_LINKAT:
    two = 1;
    URING_PATH2(io_link)
    break;
  }
  if (!name || (two && !name2)) {
    COUNT(uring);
    s->record.h.kind = K_URING;
    return send_record(s, 0);
  }
  long len = bpf_probe_read_kernel_str(s->record.data, MAX_PATH, BPF_CORE_READ(name, name));
  if (len <= 0) {
    COUNT(fault);
    s->record.h.flags |= F_FAULT;
    len = 1;
  }
  u32 at = len;
  s->record.h.string_len = at;
  struct place base = {}, base2 = {};
  struct object base_object = {};
  base_of(t, dirfd, s->record.data[0] == '/' && !(s->record.h.flags & F_IN_ROOT), &base);
  if (two) {
    len = bpf_probe_read_kernel_str(&s->record.data[at], MAX_PATH, BPF_CORE_READ(name2, name));
    if (len <= 0) {
      COUNT(fault);
      s->record.h.flags |= F_FAULT;
      len = 1;
    }
    base_of(t, dirfd2, s->record.data[at] == '/', &base2);
    s->record.h.second_len = len;
    at += len;
  }
  if (base.dentry) {
    identify(&base, &base_object);
    put_base(s, &at, &base, &base_object);
  }
  if (base2.dentry) {
    u32 length = put_block(s, at, &base2);
    s->record.h.base2_len = length;
    at += length;
  }
  return finish_record(s, at);
}
