// The kernel types that the tracer reads, with only the fields it reads. CO-RE: the kernel itself puts in the real offsets
// when the program is loaded, so order, sizes and missing fields do not matter here; names do. A dumped vmlinux.h would be
// 2.8 MB and differ for each kernel, and so would the blob. Constants are those of the stable user API (<linux/bpf.h>).
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __s8 s8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;

enum {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_LRU_HASH = 9,
  BPF_MAP_TYPE_RINGBUF = 27,
  BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_ANY = 0, BPF_F_NO_PREALLOC = 1, BPF_LOCAL_STORAGE_GET_F_CREATE = 1, BPF_RB_NO_WAKEUP = 1 };

// Without CO-RE: the user-space layout of msghdr, for both word sizes.
struct msghdr64 {
  u64 name;
  u32 namelen, pad;
  u64 iov, iovlen, control, controllen;
  u32 flags, pad2;
};
struct msghdr32 {
  u32 name, namelen, iov, iovlen, control, controllen, flags;
};
// Only `len` is read; the verifier checks the rest of the context.
struct __sk_buff {
  u32 len;
};

// Kernel types whose first fields have lain like this in every kernel with BTF. Without CO-RE: each type that is relocated
// costs 0.4 ms of start-up, a search through all 140,000 types of the kernel; the kernel remembers 31 of them by a hash of
// the name, so two of one hash (inode and net, fs_struct and pid, file and ns_common) should not take turns in the program.
// The self-test would notice a change.
struct fdtable {
  unsigned int max_fds;
  struct file **fd;
};
struct vfsmount {
  struct dentry *mnt_root;
};
struct super_block {
  void *next, *previous;
  u32 s_dev;
};
struct filename {
  const char *name;
};
struct socket {
  int state;
  short type;
  unsigned long flags;
  struct file *file;
  struct sock *sk;
};
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
  u64 regs[31], sp, pc, pstate, orig_x0;
  s32 syscallno;
};
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct inode {
  u16 i_mode;
  unsigned long i_ino;
};
struct dentry {
  unsigned int d_flags;
  struct dentry *d_parent;
  struct inode *d_inode;
  struct super_block *d_sb;
};
struct mount {
  struct vfsmount mnt;
  int mnt_id;
};
struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};
struct file {
  unsigned int f_mode;
  struct path f_path;
  void *private_data;
};
struct files_struct {
  struct fdtable *fdt;
};
struct fs_struct {
  struct path root, pwd;
};
struct ns_common {
  unsigned int inum;
};
struct mnt_namespace {
  struct ns_common ns;
};
struct net {
  struct ns_common ns;
};
struct nsproxy {
  struct mnt_namespace *mnt_ns;
};
struct mm_struct {
  unsigned long arg_start, arg_end;
};
typedef struct {
  int counter;
} atomic_t;
struct signal_struct {
  atomic_t live;
  int group_exit_code;
};
struct thread_info {
  u32 status;
};
struct task_struct {
  struct thread_info thread_info;
  unsigned int flags;
  struct mm_struct *mm;
  int exit_code;
  int pid, tgid;
  struct task_struct *group_leader;
  struct fs_struct *fs;
  struct files_struct *files;
  struct nsproxy *nsproxy;
  struct signal_struct *signal;
};
struct linux_binprm {
  struct file *file;
  const char *filename, *interp;
};
struct upid {
  int nr;
};
struct pid {
  struct upid numbers[1];
};
struct in6_addr {
  u8 in6_u[16];
};
typedef struct {
  struct net *net;
} possible_net_t;
struct sock_common {
  __be32 skc_daddr, skc_rcv_saddr;
  __be16 skc_dport;
  u16 skc_num;
  u16 skc_family;
  possible_net_t skc_net;
  struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
  struct sock_common __sk_common;
  struct pid *sk_peer_pid;
};

// io_uring: the per-operation command lies at the start of io_kiocb.
struct io_kiocb {
  u8 opcode;
};
struct open_how {
  u64 flags, resolve;
};
struct io_open {
  int dfd;
  struct filename *filename;
  struct open_how how;
};
struct io_statx {
  int dfd;
  unsigned int flags;
  struct filename *filename;
};
struct io_unlink {
  int dfd, flags;
  struct filename *filename;
};
struct io_mkdir {
  int dfd;
  struct filename *filename;
};
struct io_rename {
  int old_dfd, new_dfd;
  struct filename *oldpath, *newpath;
};
struct io_link {
  int old_dfd, new_dfd;
  struct filename *oldpath, *newpath;
};

#pragma clang attribute pop
