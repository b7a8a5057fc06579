// Who is talked to, who talks to us, and which files come through a socket.
#pragma once
#include "walk.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_ALG 38
#define SOCK_RAW 3
#define MAX_ADDRESS 128
#define MAX_FDS 8
#define MAX_MESSAGES 8
#define EFAULT 14

// By a positive list: VSOCK, PACKET, raw sockets and whatever a later kernel brings reach others unseen.
static __always_inline int ordinary_socket(u32 family, u32 type) {
  if (family == AF_INET || family == AF_INET6) return (type & 15) != SOCK_RAW;
  return family == AF_UNIX || family == AF_NETLINK || family == AF_ALG;
}

static __always_inline struct sock *sock_of(int fd) {
  struct file *f = file_of(bpf_get_current_task_btf(), fd);
  if (!f) return 0;
  struct socket socket = {};
  bpf_probe_read_kernel(&socket, sizeof socket, BPF_CORE_READ(f, private_data));
  return socket.sk;
}
// Own port, network namespace, and for AF_UNIX the pid of who called listen.
__noinline int put_sock(struct scratch *s, u64 sock) {
  struct sock *sk = (void *)sock;
  if (!s) return 0;
  s->record.h.dev = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX) {
    struct pid *peer = BPF_CORE_READ(sk, sk_peer_pid);
    if (peer) s->record.h.extra = BPF_CORE_READ(peer, numbers[0].nr);
  } else s->record.h.mode = BPF_CORE_READ(sk, __sk_common.skc_num);
  return 0;
}

// A sockaddr in user memory, for socket argument 0: connect, sendto, sendmsg, bind.
__noinline int put_address(struct scratch *s, u32 kind, u64 address, u32 len) {
  if (!s || len == 0) return 0;
  if (len > MAX_ADDRESS) len = MAX_ADDRESS;
  start_record(s, kind);
  if (bpf_probe_read_user(s->record.data, len, (void *)address)) {
    if (s->ret == -EFAULT) return 0;
    s->record.h.flags |= F_FAULT;
    COUNT(fault);
    len = 0;
  }
  s->record.h.string_len = len;
  u32 at = len;
  struct sock *sk = sock_of(s->arguments[0]);
  if (sk) put_sock(s, (u64)sk);
  // A bind is an event of its own each time: it makes a file.
  struct seen_key key = {mix(mix(kind, s->nr), s->ret), mix(s->record.h.mode, s->record.h.extra)};
  hash_string(s, len, &key);
  if (kind != K_BIND && seen_before(s, &key)) return 0;
  if (len > 2 && *(u16 *)s->record.data == AF_UNIX && s->record.data[2]) {
    find_base(s, AT_FDCWD, s->record.data[2] == '/');
    at = put_base(s, at);
  }
  return finish_record(s, at);
}

// The address that the kernel knows: own for listen, the peer's for accept.
__noinline int put_socket(struct scratch *s, int fd) {
  if (!s) return 0;
  struct sock *sk = sock_of(fd);
  if (!sk) return 0;
  int accepted = s->call.kind == K_ACCEPT;
  start_record(s, s->call.kind);
  put_sock(s, (u64)sk);
  u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  u32 at = 2;
  u8 *d = s->record.data;
  __builtin_memset(d, 0, 32);
  *(u16 *)d = family;
  if (family == AF_UNIX) {
    if (!accepted) return 0; // its bind has said more
  } else {
    u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);
    *(u16 *)(d + 2) = accepted ? BPF_CORE_READ(sk, __sk_common.skc_dport) : __builtin_bswap16(port);
    if (family == AF_INET) {
      *(u32 *)(d + 4) = accepted ? BPF_CORE_READ(sk, __sk_common.skc_daddr)
                                 : BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
      at = 16;
    } else if (family == AF_INET6) {
      struct in6_addr a6 = accepted ? BPF_CORE_READ(sk, __sk_common.skc_v6_daddr)
                                    : BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
      __builtin_memcpy(d + 8, &a6, sizeof a6);
      at = 28;
    }
  }
  s->record.h.string_len = at;
  return send_record(s, at);
}

// A descriptor that arrived: what is behind it.
static __always_inline int received(struct scratch *s, int fd, u32 index) {
  struct file *f = file_of(bpf_get_current_task_btf(), fd);
  if (!f) return 0;
  result_is(s, f);
  start_record(s, K_FD);
  s->record.h.extra = index;
  return send_record(s, put_result(s, 0));
}
__noinline int put_received(struct scratch *s, int fd) { return s ? received(s, fd, 0) : 0; }

struct fd_loop {
  struct scratch *s;
  u64 fds;
  u32 count;
};
static long each_fd(u64 i, struct fd_loop *c) {
  if (i >= c->count) return 1;
  int fd = -1;
  if (bpf_probe_read_user(&fd, sizeof fd, (void *)(c->fds + 4 * i))) {
    COUNT(fault);
    return 1;
  }
  received(c->s, fd, i);
  return 0;
}

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define MAX_CONTROL 4

// Control messages of one received msghdr: the descriptors in each SCM_RIGHTS.
__noinline int put_control(struct scratch *s, u64 at, u64 end) {
  if (!s) return 0;
  u32 head = s->compat ? 12 : 16, align = s->compat ? 3 : 7;
  for (int i = 0; i < MAX_CONTROL; i++) {
    if (at + head > end) return 0;
    u64 len = 0;
    u32 what[2] = {};
    if (bpf_probe_read_user(&len, s->compat ? 4 : 8, (void *)at) ||
        bpf_probe_read_user(what, sizeof what, (void *)(at + head - 8))) {
      COUNT(fault);
      return 0;
    }
    if (len < head || len > 65536) return 0;
    if (what[0] == SOL_SOCKET && what[1] == SCM_RIGHTS) {
      struct fd_loop c = {.s = s, .fds = at + head, .count = (len - head) / 4};
      if (c.count > MAX_FDS) {
        COUNT(deep);
        c.count = MAX_FDS;
      }
      bpf_loop(MAX_FDS, each_fd, &c, 0);
    }
    at += (len + align) & ~(u64)align;
  }
  if (at + head <= end) COUNT(deep);
  return 0;
}

struct message_loop {
  struct scratch *s;
  u32 count, kind;
};
static long each_message(u64 i, struct message_loop *c) {
  struct scratch *s = c->s;
  if (i >= c->count) return 1;
  struct msghdr64 h = {};
  int failed;
  // struct mmsghdr is a msghdr, a u32 and padding.
  if (s->compat) {
    struct msghdr32 h32 = {};
    failed = bpf_probe_read_user(&h32, sizeof h32, (void *)(s->arguments[1] + i * 32));
    h.name = h32.name;
    h.namelen = h32.namelen;
    h.control = h32.control;
    h.controllen = h32.controllen;
  } else failed = bpf_probe_read_user(&h, sizeof h, (void *)(s->arguments[1] + i * 64));
  if (failed) {
    if (s->ret != -EFAULT) COUNT(fault);
    return 1;
  }
  if (c->kind == K_RECEIVE) {
    if (h.control && h.controllen) put_control(s, h.control, h.control + h.controllen);
  } else if (h.name && h.namelen) put_address(s, K_CONNECT, h.name, h.namelen);
  return 0;
}
// sendmsg, sendmmsg, recvmsg, recvmmsg: one message, or as many as the call says it handled.
__noinline int put_messages(struct scratch *s) {
  if (!s) return 0;
  struct message_loop c = {.s = s, .count = 1, .kind = s->call.kind};
  if (s->call.vector && s->ret >= 0) c.count = s->ret;
  if (c.count > MAX_MESSAGES) {
    COUNT(deep);
    c.count = MAX_MESSAGES;
  }
  if (s->ret > 0) s->ret = 0; // how much was sent is no part of the outcome
  bpf_loop(MAX_MESSAGES, each_message, &c, 0);
  return 0;
}
