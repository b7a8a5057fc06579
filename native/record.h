// The record: what the ring buffer carries, and the kinds that table entries and records share. Little endian.
// src/trace/bpf/decode.ts reads it and a test compares the numbers below with its own.
// After the 88-byte head: string | second string | base path | result path | second base | root directory,
// each of the length given in the head. Path strings and paths count their NUL byte; a socket address has none.
// Second base and root directory, if their length is not 0, are a 16-byte object (dev, mount, ino) and then a path.
#pragma once
#include "kernel.h"

// Kinds of table entries; records carry the kind of the entry they come from.
#define K_UNKNOWN 0
#define K_OPEN 1
#define K_LOOK 2
#define K_CHANGE 3
#define K_PAIR 4
#define K_EXEC 5 // execve that failed; K_EXECUTED is one that did not
#define K_LIST 6
#define K_CONNECT 7
#define K_BIND 8
#define K_LISTEN 9
#define K_ACCEPT 10
#define K_SEND 11
#define K_RECEIVE 12
#define K_FD 13
#define K_SOCKET 14
#define K_IPC 15
#define K_URING 16
#define K_SOCKETCALL 17
#define K_FORBIDDEN 18
#define K_HARMLESS 19
// Kinds of records only.
#define K_FORK 32
#define K_EXECUTED 33
#define K_EXIT 34
#define K_DNS 35

#define F_CUT 1      // a path is longer or deeper than the buffers, or has no name: counted as `deep`
#define F_FAULT 2    // a string could not be read: counted as `fault`
#define F_COMPAT 4   // i386
#define F_CREATED 8  // the open made the file
#define F_URING 16   // submitted through io_uring: outcome unknown
#define F_CHROOT 32  // the process's root is not the root of a mount: `root directory` is there
#define F_NULL 64    // the path argument was NULL: the base itself is meant
#define F_PSEUDO 128 // the result has no path in any directory (pipe, memfd)
#define F_IN_ROOT 256 // openat2 with RESOLVE_IN_ROOT: the base is the root

struct head {
  u32 len; // of the whole record, a multiple of 8
  u8 kind, unused;
  u16 nr; // system call or io_uring operation
  u32 tgid, tid;
  s32 ret;
  u32 flags;
  u32 extra; // open flags; at-flags; peer pid; child pid; target of a forbidden call; index of a received descriptor
  u32 mount_ns;
  u32 session;
  u32 mode; // of the result; a local port for sockets
  u32 dev, mount; // of the result; the network namespace for sockets
  u64 ino;
  u32 base_dev, base_mount;
  u64 base_ino;
  u32 root_mount;
  u16 string_len, second_len, base_len, path_len, base2_len, root_len;
};
struct object {
  u32 dev, mount;
  u64 ino;
};
