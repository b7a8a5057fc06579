// Dentries to paths, strings to hashes, records to the ring.
#pragma once
#include "state.h"

static __always_inline u64 mix(u64 h, u64 v) {
  h ^= v;
  h *= 0x9E3779B97F4A7C15ull;
  return h ^ (h >> 29);
}

struct hash_loop {
  struct scratch *s;
  u32 len;
  u64 a, b;
};
static long hash_word(u64 i, struct hash_loop *c) {
  u32 at = i * 8;
  if (at >= c->len || at > MAX_PATH - 8) return 1;
  u64 word = *(u64 *)(c->s->record.data + at);
  u32 rest = c->len - at;
  if (rest < 8) word &= (1ull << (rest * 8)) - 1;
  c->a = mix(c->a, word);
  u64 b = (c->b ^ word) * 0x100000001b3ull;
  c->b = b ^ (b >> 31);
  return 0;
}
// Of the first `len` bytes of data.
static __always_inline void hash_string(struct scratch *s, u32 len, struct seen_key *key) {
  struct hash_loop c = {s, len, key->a, key->b};
  bpf_loop(MAX_PATH / 8, hash_word, &c, 0);
  key->a = c.a;
  key->b = c.b;
}
// A key that was overwritten only repeats an event. Two keys of one place and one mark would hide one: 1 in 2^64 each time,
// and who can search for such keys can forge its inputs. What the self-test has seen, the run has not.
static __always_inline int seen_before(struct scratch *s, struct seen_key *key) {
  key->a = mix(mix(key->a, s->session), s->program);
  u64 b = mix(key->b, 0), mark = mix(key->a, b);
  u32 place = b >> (64 - SEEN_BITS);
  struct seen_pair *pair = bpf_map_lookup_elem(&seen, &place);
  if (!pair || !mark) return 0; // 0 is an empty place
  if (pair->newer == mark || pair->older == mark) {
    COUNT_ROUGHLY(repeated);
    return 1;
  }
  pair->older = pair->newer;
  pair->newer = mark;
  return 0;
}

// From d_parent on, every struct dentry continues like this; one read instead of three.
struct kin {
  struct dentry *parent;
  u32 hash, len;
  const unsigned char *name;
};
struct walk_loop {
  struct scratch *s;
  struct dentry *d;
  struct kin kin; // of `d`
  u32 parts, at, end, cut;
};
static long walk_up(u64 i, struct walk_loop *c) {
  struct dentry *d = c->d;
  if (bpf_probe_read_kernel(&c->kin, sizeof c->kin, &d->d_parent)) {
    c->cut = 1;
    return 1;
  }
  if (!c->kin.parent || c->kin.parent == d) return 1;
  if (i < MAX_PARTS) {
    c->s->parts[i].name = (u64)c->kin.name;
    c->s->parts[i].len = c->kin.len;
  }
  c->parts = i + 1;
  c->d = c->kin.parent;
  return 0;
}
static long walk_down(u64 i, struct walk_loop *c) {
  if (i >= c->parts) return 1;
  u32 index = c->parts - 1 - i;
  if (index >= MAX_PARTS) return 1;
  u32 at = c->at, len = c->s->parts[index].len;
  // FUSE allows names above 255 bytes.
  if (len > 255 || at + len + 2 > c->end || at > DATA_SIZE - 260) {
    c->cut = 1;
    return 1;
  }
  c->s->record.data[at] = '/';
  bpf_probe_read_kernel(&c->s->record.data[at + 1], len & 255, (void *)c->s->parts[index].name);
  c->at = at + 1 + len;
  return 0;
}

#define DCACHE_DISCONNECTED 0x20

// Appends the path of `d` inside its file system, NUL included, at `at`; returns its length, at most MAX_PATH.
// By d_parent to the top: the same for every mount, chroot and container. Not static: the verifier then looks at it once
// instead of once for each call, which is a third of the start-up time.
__noinline u32 put_path(struct scratch *s, u32 at, u64 dentry) {
  struct dentry *d = (void *)dentry;
  if (!s || at > DATA_SIZE - MAX_PATH) return 0;
  struct walk_loop c = {.s = s, .d = d, .at = at, .end = at + MAX_PATH - 8};
  bpf_loop(MAX_PARTS + 1, walk_up, &c, 0);
  if (c.parts > MAX_PARTS) {
    c.cut = 1;
    c.parts = MAX_PARTS;
  }
  struct dentry *top = c.d;
  u32 flags = 0;
  if (c.parts == 0) {
    s->record.data[at] = '/';
    c.at = at + 1;
    // Alone, but not the root of a file system, whose name is "/": pipe, socket, memfd. (O_TMPFILE has a parent.)
    char first = 0;
    bpf_probe_read_kernel(&first, 1, c.kin.name);
    if (first != '/') flags |= F_PSEUDO;
  } else bpf_loop(MAX_PARTS, walk_down, &c, 0);
  if (BPF_CORE_READ(top, d_flags) & DCACHE_DISCONNECTED) c.cut = 1;
  if (c.cut) {
    flags |= F_CUT;
    COUNT(deep);
  }
  s->record.h.flags |= flags;
  u32 end = c.at;
  if (end >= DATA_SIZE) return 0;
  s->record.data[end] = 0;
  u32 len = end - at + 1;
  return len > MAX_PATH ? MAX_PATH : len;
}

static __always_inline int mount_id(struct vfsmount *m) {
  if (!m) return 0;
  struct mount *real = (void *)m - bpf_core_field_offset(struct mount, mnt);
  return BPF_CORE_READ(real, mnt_id);
}
static __always_inline void identify(struct place *p, struct object *o) {
  struct dentry *d = p->dentry;
  struct inode *i = BPF_CORE_READ(d, d_inode);
  struct super_block sb = {};
  bpf_probe_read_kernel(&sb, sizeof sb, BPF_CORE_READ(d, d_sb));
  o->dev = sb.s_dev;
  o->ino = i ? BPF_CORE_READ(i, i_ino) : 0;
}

static __always_inline struct file *file_of(struct task_struct *t, int fd) {
  struct fdtable *table = BPF_CORE_READ(t, files, fdt), head = {};
  struct file *f = 0;
  if (bpf_probe_read_kernel(&head, sizeof head, table) || (u32)fd >= head.max_fds) return 0;
  bpf_probe_read_kernel(&f, sizeof f, head.fd + fd);
  return f;
}
static __always_inline void place_of_file(struct file *f, struct place *p) {
  bpf_probe_read_kernel(p, sizeof *p, &f->f_path);
}
static __always_inline void result_is(struct scratch *s, struct file *f) {
  place_of_file(f, &s->result);
  identify(&s->result, &s->result_object);
}
#define AT_FDCWD -100
// Where a path starts: the root directory if it is absolute, else the working directory or the descriptor's directory.
__noinline int find_base(struct scratch *s, int dirfd, int absolute) {
  if (!s) return 0;
  struct task_struct *t = bpf_get_current_task_btf();
  struct place *p = &s->base;
  p->dentry = 0;
  if (absolute) {
    bpf_probe_read_kernel(p, sizeof *p, &BPF_CORE_READ(t, fs)->root);
  } else if (dirfd == AT_FDCWD) {
    bpf_probe_read_kernel(p, sizeof *p, &BPF_CORE_READ(t, fs)->pwd);
  } else {
    struct file *f = file_of(t, dirfd);
    if (f) place_of_file(f, p);
  }
  if (!p->dentry) {
    s->base_object.dev = s->base_object.ino = 0;
    return 0;
  }
  identify(p, &s->base_object);
  return 1;
}

static __always_inline void start_record(struct scratch *s, u8 kind) {
  struct head *h = &s->record.h;
  u64 id = bpf_get_current_pid_tgid();
  struct task_struct *t = (void *)bpf_get_current_task();
  __builtin_memset(h, 0, sizeof *h);
  h->kind = kind;
  h->nr = s->nr;
  h->tgid = id >> 32;
  h->tid = id;
  h->ret = s->ret;
  h->session = s->session;
  h->mount_ns = BPF_CORE_READ(t, nsproxy, mnt_ns, ns.inum);
}
// The parts of the tail; each returns where the next one goes.
static __always_inline u32 put_result(struct scratch *s, u32 at) {
  s->record.h.dev = s->result_object.dev;
  s->record.h.ino = s->result_object.ino;
  s->record.h.mount = mount_id(s->result.mount);
  struct dentry *d = s->result.dentry;
  s->record.h.mode = BPF_CORE_READ(d, d_inode, i_mode);
  u32 len = put_path(s, at, (u64)d);
  s->record.h.path_len = len;
  return at + len;
}
__noinline u32 put_base(struct scratch *s, u32 at) {
  if (!s || !s->base.dentry) return at;
  s->record.h.base_dev = s->base_object.dev;
  s->record.h.base_ino = s->base_object.ino;
  s->record.h.base_mount = mount_id(s->base.mount);
  u32 len = put_path(s, at, (u64)s->base.dentry);
  s->record.h.base_len = len;
  return at + len;
}
// An object and its path in one block; returns its length.
static __always_inline u32 put_block(struct scratch *s, u32 at, struct place *p) {
  if (at > DATA_SIZE - MAX_PATH - sizeof(struct object)) return 0;
  struct object o = {};
  identify(p, &o);
  o.mount = mount_id(p->mount);
  __builtin_memcpy(&s->record.data[at], &o, sizeof o);
  return put_path(s, at + sizeof o, (u64)p->dentry) + sizeof o;
}
__noinline u32 put_second_base(struct scratch *s, u32 at) {
  if (!s || !s->base2.dentry) return at;
  u32 len = put_block(s, at, &s->base2);
  s->record.h.base2_len = len;
  return at + len;
}
static __always_inline int send_record(struct scratch *s, u32 at) {
  u32 len = (sizeof(struct head) + at + 7) & ~7u;
  if (len > sizeof s->record) {
    COUNT(lost);
    return 0;
  }
  s->record.h.len = len;
  // The reader polls, so nobody is woken.
  if (bpf_ringbuf_output(&ring, &s->record, len, BPF_RB_NO_WAKEUP)) COUNT(lost);
  else COUNT(emitted);
  return 0;
}
// For records with path strings. The root directory goes along only where absolute links do not start at the top of a mount.
__noinline int finish_record(struct scratch *s, u32 at) {
  if (!s) return 0;
  struct task_struct *t = bpf_get_current_task_btf();
  struct place root = {};
  bpf_probe_read_kernel(&root, sizeof root, &BPF_CORE_READ(t, fs)->root);
  s->record.h.root_mount = mount_id(root.mount);
  struct vfsmount mount = {};
  bpf_probe_read_kernel(&mount, sizeof mount, root.mount);
  if (root.dentry && mount.mnt_root != root.dentry) {
    s->record.h.flags |= F_CHROOT;
    u32 len = put_block(s, at, &root);
    s->record.h.root_len = len;
    at += len;
  }
  return send_record(s, at);
}
