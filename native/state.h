// Maps, counters, who is traced, and the per-CPU scratch buffer.
#pragma once
#include "record.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define MAX_PATH 4096
#define MAX_PARTS 64
// Two strings, four paths, two objects: 24.6 kB. A per-CPU value may have 32 kB.
#define DATA_SIZE (6 * MAX_PATH + 64)
#define SLOTS 3

// One entry of the table that user space fills: argument positions, -1 = none.
struct call {
  u8 kind;
  s8 dirfd, path, flags, dirfd2, path2;
  u8 how, vector;     // `flags` are behind a pointer to struct open_how; msghdr[] instead of one
  u32 when_a, when_b; // K_FORBIDDEN: only if argument `dirfd` is one of these; 0 in both = always
                      // K_LOOK: 1 in when_a = it moves the working or root directory
};

// As struct path.
struct place {
  struct vfsmount *mount;
  struct dentry *dentry;
};

// The call at hand and the record being made of it. The parts of the program hand each other little else, so that they can
// be global functions: the verifier then looks at each once, not once for every way to reach it and every value on the way
// (236,000 instructions became 12,000, 250 ms became 10).
struct scratch {
  u32 busy;
  u32 compat, nr, session;
  u64 program;
  long ret;
  struct call call;
  u64 arguments[8];
  // Of a call with paths.
  u32 flags, call_flags;
  struct place base, base2, result;
  struct object base_object, result_object;
  struct {
    u64 name;
    u32 len;
  } parts[MAX_PARTS];
  struct {
    struct head h;
    u8 data[DATA_SIZE];
  } record;
};

#define ABI_NUMBERS 512      // numbers each ABI has room for
#define CALL_SOCKETCALL 1024 // + call number of i386 socketcall
#define CALL_URING 1088      // + io_uring opcode
#define CALLS 1344

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, CALLS);
  __type(key, u32);
  __type(value, struct call);
} calls SEC(".maps");

#define M_TRACED 1
#define M_ROOT 2 // not traced itself, but every process it starts is
struct member {
  u32 session, flags;
  u64 program; // which file it executes: what two programs look at is not the same look
};
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct member);
} members SEC(".maps");

struct seen_key {
  u64 a, b;
};
// Which questions were asked already: fixed places of two each, written without a lock, in one cache line. An LRU hash of as
// many keys cost as much as the rest of an event, and 16 MiB.
struct seen_pair {
  u64 newer, older;
};
#define SEEN_BITS 17
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1 << SEEN_BITS);
  __type(key, u32);
  __type(value, struct seen_pair);
} seen SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 << 20); // the loader may choose another size
} ring SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SLOTS);
  __type(key, u32);
  __type(value, struct scratch);
} scratches SEC(".maps");

// In the order that src/trace/bpf/counters.ts reads them.
struct counters {
  u64 lost, emitted, repeated, nostore, nested, fault, deep, unknown, uring;
};
volatile struct counters counters = {0};

#define COUNT(x) __sync_fetch_and_add(&counters.x, 1)
// A statistic, not evidence: racy and cheap.
#define COUNT_ROUGHLY(x) (counters.x = counters.x + 1)

static __always_inline struct member *member_of(struct task_struct *t) {
  struct member *m = bpf_task_storage_get(&members, t, 0, 0);
  return m && m->flags & M_TRACED ? m : 0;
}

#define PF_IO_WORKER 0x10
// For what kernel threads do too: io-wq and SQPOLL threads are born without the fork tracepoint.
static __always_inline struct member *member_of_worker(struct task_struct *t) {
  struct member *m = member_of(t);
  if (m || !(BPF_CORE_READ(t, flags) & PF_IO_WORKER)) return m;
  struct task_struct *leader = t->group_leader;
  return leader ? member_of(leader) : 0;
}

// Tracepoint handlers run with preemption off, so one slot would do; an interrupt's handler, or a later kernel that
// allows preemption, takes the next one. None free: the event is missing, and `nested` says so. Given back by busy = 0.
static __always_inline struct scratch *take_scratch(struct member *m, u32 nr, long ret) {
  for (u32 i = 0; i < SLOTS; i++) {
    u32 key = i;
    struct scratch *s = bpf_map_lookup_elem(&scratches, &key);
    if (!s || __sync_lock_test_and_set(&s->busy, 1) != 0) continue;
    s->session = m->session;
    s->program = m->program;
    s->nr = nr;
    s->ret = ret;
    return s;
  }
  COUNT(nested);
  return 0;
}
