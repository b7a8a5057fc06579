// What an io_uring submission looks at: by then the kernel has copied its paths, and its outcome is not known.
#pragma once
#include "calls.h"

#define OP_OPENAT 18
#define OP_STATX 21
#define OP_OPENAT2 28
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_MKDIRAT 37
#define OP_SYMLINKAT 38
#define OP_LINKAT 39

static __always_inline const char *first_name(struct filename *f) {
  struct filename name = {};
  bpf_probe_read_kernel(&name, sizeof name, f);
  return name.name;
}

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
  long len = bpf_probe_read_kernel_str(s->record.data, MAX_PATH, first_name(name));
  if (len <= 0) {
    COUNT(fault);
    s->record.h.flags |= F_FAULT;
    len = 1;
  }
  u32 at = len, second = 0;
  s->record.h.string_len = at;
  s->base2.dentry = 0;
  if (two) {
    len = bpf_probe_read_kernel_str(&s->record.data[at], MAX_PATH, first_name(name2));
    if (len <= 0) {
      COUNT(fault);
      s->record.h.flags |= F_FAULT;
      len = 1;
    }
    second = len;
    s->record.h.second_len = second;
    find_base(s, dirfd2, s->record.data[at] == '/');
    s->base2 = s->base;
  }
  find_base(s, dirfd, s->record.data[0] == '/' && !(s->record.h.flags & F_IN_ROOT));
  at = put_base(s, at + second);
  return finish_record(s, put_second_base(s, at));
}
