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
__noinline u32 read_string(struct scratch *s, u32 at, u64 address) {
  if (!s || at > DATA_SIZE - MAX_PATH) return 0;
  s->record.data[at] = 0;
  if (!address) {
    s->flags |= F_NULL;
    return 1;
  }
  long len = bpf_probe_read_user_str(&s->record.data[at], MAX_PATH, (void *)address);
  if (len > MAX_PATH) return 0;
  // Longer than any file system takes: its answer says nothing about one.
  if (len == MAX_PATH && s->ret == -ENAMETOOLONG) return 0;
  if (len > 0) return len;
  if (s->ret == -EFAULT) return 0; // unreadable for the caller too
  s->flags |= F_FAULT;
  COUNT(fault);
  return 1;
}

// The flags argument, which openat2 has behind a pointer. Returns 0 if there is no record to make.
__noinline int read_flags(struct scratch *s) {
  if (!s) return 0;
  s->call_flags = s->call.flags < 0 ? 0 : s->arguments[s->call.flags & 7];
  if (!s->call.how) return 1;
  u64 how[3] = {};
  if (bpf_probe_read_user(how, sizeof how, (void *)s->arguments[s->call.how & 7])) {
    if (s->ret == -EFAULT) return 0;
    s->flags |= F_FAULT;
    COUNT(fault);
  }
  s->call_flags = how[0];
  if (how[2] & RESOLVE_IN_ROOT) s->flags |= F_IN_ROOT;
  return 1;
}

// What an open gave: the file behind the descriptor.
__noinline int find_result(struct scratch *s) {
  if (!s) return 0;
  s->result.dentry = 0;
  s->result_object.dev = s->result_object.ino = 0;
  if (s->call.kind != K_OPEN || s->ret < 0) return 0;
  struct file *f = file_of(bpf_get_current_task_btf(), s->ret);
  if (!f) return 0;
  result_is(s, f);
  if (BPF_CORE_READ(f, f_mode) & FMODE_CREATED) s->flags |= F_CREATED;
  return 1;
}

// Changes, and what they make, are never taken for repeats: their order matters.
__noinline int is_repeat(struct scratch *s, u32 string_len) {
  if (!s || s->call.kind == K_PAIR || s->call.kind == K_CHANGE || s->flags & F_CREATED) return 0;
  if (s->call.kind == K_LOOK && s->call.when_a) return 0;
  struct object *base = &s->base_object, *result = &s->result_object;
  struct seen_key key = {mix(mix(s->call.kind, s->nr), s->ret < 0 ? s->ret : 0),
                         mix(mix(base->ino, base->dev), (u64)s->base.dentry)};
  // The same folder with other things mounted in it, in another namespace, is another folder.
  key.b = mix(key.b, (u64)s->base.mount);
  key.a = mix(mix(key.a, result->ino), result->dev);
  key.b = mix(key.b, ((u64)s->call_flags << 32) | s->flags);
  hash_string(s, string_len, &key);
  return seen_before(s, &key);
}

// The compiler would fold two comparisons into one that the verifier cannot follow.
#define HIDE(value) __asm__ volatile("" : "+r"(value))

// open, look, change, pair, failed exec.
__noinline int put_path_call(struct scratch *s) {
  if (!s) return 0;
  struct call *c = &s->call;
  u64 *v = s->arguments;
  int dirfd = c->dirfd < 0 ? AT_FDCWD : (int)v[c->dirfd & 7];
  u32 at;
  s->flags = s->compat ? F_COMPAT : 0;
  if (c->path < 0) {
    // fchmod and the like: the descriptor's object is what changes.
    if (s->ret < 0) return 0;
    s->flags |= F_NULL;
    dirfd = v[0];
    s->record.data[0] = 0;
    at = 1;
  } else at = read_string(s, 0, v[c->path & 7]);
  if (at == 0 || !read_flags(s)) return 0;
  HIDE(at);
  if (at > MAX_PATH) return 0;
  // "" is the descriptor itself, which was seen when it was opened; the working directory never was.
  if (at == 1 && !(s->flags & F_FAULT) && dirfd != AT_FDCWD && c->kind != K_CHANGE && c->kind != K_PAIR &&
      !(c->kind == K_LOOK && c->when_a))
    return 0;
  u32 second = 0;
  if (c->kind == K_PAIR) {
    second = read_string(s, at, v[c->path2 & 7]);
    if (!second || second > MAX_PATH) return 0;
    find_base(s, c->dirfd2 < 0 ? AT_FDCWD : (int)v[c->dirfd2 & 7], s->record.data[at] == '/');
    s->base2 = s->base;
  } else s->base2.dentry = 0;
  find_base(s, dirfd, s->record.data[0] == '/' && !(s->flags & F_IN_ROOT));
  find_result(s);
  if (is_repeat(s, at)) return 0;
  start_record(s, c->kind);
  s->record.h.flags = s->flags;
  s->record.h.string_len = at;
  s->record.h.second_len = second;
  s->record.h.extra = s->call_flags;
  at = put_base(s, at + second);
  if (s->result.dentry) at = put_result(s, at);
  return finish_record(s, put_second_base(s, at));
}

__noinline int put_list(struct scratch *s) {
  if (!s) return 0;
  struct file *f = file_of(bpf_get_current_task_btf(), s->arguments[0]);
  if (!f) return 0;
  result_is(s, f);
  struct seen_key key = {mix(mix(K_LIST, s->result_object.ino), s->result_object.dev), (u64)s->result.dentry};
  if (seen_before(s, &key)) return 0;
  s->ret = 0;
  start_record(s, K_LIST);
  return send_record(s, put_result(s, 0));
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
  // Always the working directory: absolute names start at the root, which is told apart.
  find_base(s, AT_FDCWD, 0);
  len = bpf_probe_read_kernel_str(&s->record.data[at], MAX_PATH, BPF_CORE_READ(bprm, interp));
  u32 interpreter = len > 0 ? len : 0;
  at += interpreter;
  u64 from = BPF_CORE_READ(t, mm, arg_start), size = BPF_CORE_READ(t, mm, arg_end) - from;
  if (size > MAX_PATH) size = MAX_PATH;
  if (at > DATA_SIZE - MAX_PATH || bpf_probe_read_user(&s->record.data[at], size, (void *)from)) size = 0;
  s->record.h.second_len = interpreter;
  s->record.h.extra = size; // argv lies between the interpreter and the base
  at = put_base(s, at + size);
  result_is(s, BPF_CORE_READ(bprm, file));
  finish_record(s, put_result(s, at));
}
